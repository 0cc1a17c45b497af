/** The status of a director: all that one screen needs. */
import { z } from 'zod';
import { roles } from '../../values/role.js';
import { fleetCondition } from './fleet.js';
import { serverHealthStatus, serviceHealthStatus } from './health.js';
import { identity } from './service.js';
import { rates } from './values.js';

const count = z.int().min(0);
const connections = { activeConnections: count, inactiveConnections: count };

const server = z.object({
  name: z.string(),
  address: z.string(),
  port: z.int(),
  forwarding: z.string(),
  state: z
    .enum(['up', 'down', 'draining', 'overloaded', 'weight 0', 'sorry'])
    .describe('Why it gets no new connections, if there is a reason.'),
  weight: count,
  effectiveWeight: count.describe('The weight that the scheduler goes by.'),
  ...connections,
  rates,
  health: serverHealthStatus.optional(),
});

const service = z.object({
  ...{ name: z.string(), ...identity },
  scheduler: z.string(),
  policy: z.object({ kind: z.string(), name: z.string(), failed: count }).optional(),
  ...connections,
  rates,
  health: serviceHealthStatus.optional(),
  servers: z.array(server).describe('In the order in which schedulers walk, the newest first.'),
});

/** lib/daemon/status.ts has the same in TypeScript; the route holds the two to each other. */
export const status = z
  .object({
    name: z.string(),
    version: z.string(),
    pid: z.int(),
    atMs: z.number().describe('The time of reading, milliseconds since the epoch.'),
    upMs: z.number().describe('The milliseconds since the daemon began.'),
    intervalMs: z.number().describe('The milliseconds that rates are about.'),
    device: z
      .object({
        name: z.string(),
        attached: z.boolean(),
        egress: z.string(),
        steering: z.string(),
        offloads: z.array(z.string()).describe('Those in force.'),
        fastPath: z.boolean().describe('Whether established connections go by the fast path in the kernel.'),
        fastPathAt: z.array(z.string()).describe('Where its program is attached, as in "ingress eth0".'),
        rings: z
          .array(
            z.object({
              device: z.string(),
              isTaking: z.boolean().describe('Whether it takes packets, or has nothing to take.'),
              reason: z.string().describe('Why it does not take all that it is to take; empty when it does.'),
              prefixes: count.describe('The addresses and ranges that it takes.'),
              dropped: count.describe('The packets for which it had no room, so far.'),
            }),
          )
          .describe('The rings that take what comes in by devices of the host.'),
        fastPathReason: z.string().describe('Why it is off, or what is missing; empty when nothing is.'),
      })
      .optional(),
    markDevices: z.array(z.object({ name: z.string(), mark: z.int() })),
    role: z.enum(roles).describe('Whether the director answers for its virtual addresses on its host.'),
    heldBack: z
      .array(z.string())
      .describe('The virtual addresses and ranges that are configured and that the host has no route for.'),
    fleet: fleetCondition
      .optional()
      .describe('How the director stands to its fleet (docs/fleet.md); left out where there is none.'),
    sources: z.array(z.string()),
    state: z
      .object({
        folder: z.string(),
        connections: count.describe('The connections of an earlier director that go on.'),
        templates: count.describe('The persistence templates of an earlier director that go on.'),
        ended: count.describe('The entries that ended because they did not hold together.'),
        reason: z.string().describe('Why nothing was taken over although there was something; empty otherwise.'),
      })
      .optional()
      .describe('What the director took over when it began; absent when it keeps no state.'),
    workers: z.array(z.number()).describe('The share of the time in which each worker had a CPU, from 0 to 1.'),
    host: z.object({ mended: count, contested: count }).optional(),
    table: z.object({
      ipv4: count,
      ipv6: count,
      capacity: count.describe('The number of connections of each family that fit.'),
      bytes: count.describe('The memory that is reserved for them.'),
      residentBytes: count.describe('How much of it has been touched and is in RAM.'),
      hugeBytes: count.describe('How much of that lies in huge pages.'),
      evicted: count.describe('The connections that gave way to others, so far.'),
      evictedPerSecond: z.number(),
    }),
    rates,
    drops: z
      .array(
        z.object({
          reason: z.string(),
          kind: z.enum(['dropped', 'not sent']),
          packets: count,
          perSecond: z.number(),
        }),
      )
      .describe('What was dropped or could not be sent, so far; the highest rates first.'),
    services: z.array(service),
    events: z
      .array(z.object({ atMs: z.number(), type: z.string(), message: z.string() }))
      .describe('What happened lately, the newest first.'),
    warnings: z.array(z.string()).describe('What was odd when the director was opened.'),
  })
  .meta({ id: 'Status' });

export type StatusJson = z.output<typeof status>;
