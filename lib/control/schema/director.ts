/** Schemas of the director as a whole: its figures and its settings. */
import { z } from 'zod';
import { roles } from '../../values/role.js';
import { MAX_TIMEOUT_SECONDS, timeoutStates } from '../../values/timeouts.js';
import { drainWish } from './fleet.js';
import { serviceStats } from './service.js';
import { figure, mark, port, protocol, traffic } from './values.js';

const counters = z.record(z.string(), figure).describe('By name; docs/api.md says what each counts.');
const table = z.object({
  ...{ ipv4: z.int(), ipv6: z.int(), capacity: z.int(), bytes: z.number() },
  persistenceDataBytes: z.number(),
});

export const stats = z
  .object({
    atMs: z.number(),
    ...{ counters, table, totals: traffic },
    services: z.array(serviceStats),
    host: z.record(z.string(), z.number()).optional(),
  })
  .meta({ id: 'DirectorStats' });

export const countersOnly = stats.omit({ services: true }).meta({ id: 'Counters' });

const device = z.object({ name: z.string() }).loose();

export const director = z
  .object({
    name: z.string(),
    version: z.string().optional(),
    device: device.optional().describe('It is left out for a director without a device.'),
    markDevices: z.array(device),
    sources: z.array(z.string()).describe("The director's own addresses (DIP)."),
    role: z.enum(roles),
    heldBack: z
      .array(z.string())
      .describe('The virtual addresses and ranges that are configured and that the host has no route for.'),
    warnings: z.array(z.string()),
  })
  .meta({ id: 'Director' });

export const role = z
  .strictObject({ role: z.enum(roles).describe('What the director is for its host.') })
  .meta({ id: 'Role' });

export const roleAnswer = z
  .object({
    ...role.shape,
    drain: drainWish
      .optional()
      .describe(
        'The wish that this director of a fleet is drained; it is a standby then, unless somebody has said otherwise.',
      ),
  })
  .meta({ id: 'RoleAnswer' });

export const sysctls = z.record(z.string().max(128), z.int()).meta({ id: 'Sysctls' });

const someSeconds = z.int().min(0).max(MAX_TIMEOUT_SECONDS);

export const timeouts = z
  .object({
    ...{ tcp: someSeconds, tcpFin: someSeconds, udp: someSeconds },
    states: z.record(z.enum(timeoutStates), z.int()),
  })
  .meta({ id: 'Timeouts' });

export const timeoutsEdit = z
  .partialRecord(z.enum(['tcp', 'tcpFin', ...timeoutStates]), someSeconds)
  .describe("Seconds by ipvsadm's names or by those of states. 0 leaves a timeout as it is.")
  .meta({ id: 'TimeoutsEdit' });

export const markRuleSchema = z
  .strictObject({
    mark,
    protocol: protocol.optional(),
    source: z.string().max(64).optional(),
    destination: z.string().max(64).optional(),
    port: port.optional(),
    lastPort: port.optional(),
  })
  .meta({ id: 'MarkRule' });

export const marks = z.strictObject({ marks: z.array(markRuleSchema).max(65536) }).meta({ id: 'Marks' });

export const drain = z
  .object({
    service: z.string(),
    server: z.string(),
    isDraining: z.boolean(),
    connections: z.int().describe('How many the server still has.'),
    isDone: z.boolean().describe('Whether its last connection is gone.'),
    beganAt: z.iso.datetime().optional().describe('Left out where it was begun elsewhere.'),
    seconds: z.number().optional(),
    ended: z.int().optional().describe('How many connections were ended at the deadline.'),
  })
  .meta({ id: 'Drain' });

export type DrainJson = z.output<typeof drain>;

export const fingerprint = z
  .object({
    fingerprint: z.string().describe('16 hexadecimal digits.'),
    services: z.int().min(0),
    servers: z.int().min(0).describe('Real servers of all services.'),
  })
  .meta({ id: 'Fingerprint' });
