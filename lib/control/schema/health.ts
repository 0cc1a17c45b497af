/** Schemas of health: what checks have found of real servers. */
import { z } from 'zod';
import { failureReasons } from '../../health/checks/check.js';
import { address, port } from './values.js';

const count = z.int().min(0);
const time = z.number().describe('Milliseconds since the epoch.');
const reason = z.enum(failureReasons).optional();
const text = z.string().optional();
const state = z
  .enum(['up', 'down', 'starting', 'held', 'kept', 'unchecked'])
  .describe("'held' is a server that passes and flaps, 'kept' one that fails while too many do.");

const advice = z.object({ weight: z.number().optional(), factor: z.number().optional(), add: z.number().optional() });

const last = z
  .object({ at: time, passed: z.boolean(), durationMs: z.number(), message: z.string() })
  .optional()
  .describe('The result that came last, of any check.');

/** What one line about a server needs; lib/daemon/health-report.ts has the same in TypeScript. */
export const serverHealthStatus = z.object({
  state,
  since: time,
  message: text.describe('Why the server is down.'),
  mend: text.describe('What most likely mends it.'),
  last,
});

export const serviceHealthStatus = z.object({
  isUp: z.boolean().describe('Whether it has its quorum.'),
  since: time,
  weight: z.number().describe('The sum of the weights of its live servers.'),
  quorum: count,
  isFailOpen: z.boolean().describe('Whether failures are not acted upon.'),
  isSorry: z.boolean().describe('Whether its sorry servers are in force.'),
});

const result = z.object({
  at: time,
  durationMs: z.number(),
  passed: z.boolean(),
  reason,
  message: z.string(),
  mend: text,
  warning: text.describe('What will fail soon.'),
  advice: z.record(z.string(), z.number()).optional(),
  isVoid: z
    .literal(true)
    .optional()
    .describe('Whether it says nothing, because the director stood still or could not make the check.'),
});

const check = z.object({
  name: z.string(),
  kind: z.string(),
  verdict: z.enum(['unknown', 'up', 'down']),
  against: count.describe('How many results in a row speak against the verdict.'),
  nextAt: time.optional(),
  passes: count,
  failures: count,
  results: z.array(result).describe('The newest first.'),
});

export const serverHealth = z
  .object({
    ...{ name: z.string(), address, port },
    isUp: z.boolean().describe('Whether health lets the server have new connections.'),
    ...{ state, since: time, message: text, reason, mend: text },
    advice: advice.optional().describe('How checks change the weight.'),
    isResting: z.boolean(),
    checks: z.array(check),
  })
  .meta({ id: 'ServerHealth' });

export const serviceHealth = z
  .object({
    name: z.string(),
    ...serviceHealthStatus.shape,
    hysteresis: count,
    servers: z.array(serverHealth),
  })
  .meta({ id: 'ServiceHealth' });

export const healthOverview = z
  .object({
    services: z.array(
      z.object({
        name: z.string(),
        ...serviceHealthStatus.shape,
        servers: z.array(z.object({ ...{ name: z.string(), address, port }, ...serverHealthStatus.shape })),
      }),
    ),
  })
  .meta({ id: 'HealthOverview' });

export type HealthOverview = z.output<typeof healthOverview>;
export type ServerHealthJson = z.output<typeof serverHealth>;
export type ServiceHealthJson = z.output<typeof serviceHealth>;
