/** How a director stands to its fleet. */
import { z } from 'zod';

const count = z.int().min(0);

export const drainWish = z.object({
  sinceMs: z.number().describe('Since when, in milliseconds since the epoch.'),
  by: z.string().optional().describe('Who wishes it.'),
});

/** lib/fleet/membership.ts has the same in TypeScript; the route of the status holds the two to each other. */
export const fleetCondition = z.object({
  prefix: z.string().describe('Where the fleet stands in etcd.'),
  member: z.string().describe('What the fleet calls this director.'),
  isConnected: z.boolean().describe('Whether etcd answers.'),
  sinceMs: z.number().describe('Since when it does, or does not, in milliseconds since the epoch.'),
  endpoint: z.string().describe('The endpoint of etcd that is asked.'),
  revision: count.describe('The last change of the configuration that is in force, as a revision of etcd.'),
  from: z.enum(['etcd', 'cache']).describe('Where that came from: the cache is what etcd held last.'),
  newestRevision: count.describe('The last change of the configuration that etcd has told of.'),
  refused: z.string().optional().describe('Why the newest is not in force, where it was refused.'),
  hasLease: z.boolean().describe('Whether the fleet sees this director: etcd holds its state under a lease.'),
  drain: drainWish.optional().describe('The wish that this director is drained.'),
  probedServices: z
    .array(z.string())
    .optional()
    .describe('The services that it checks for the fleet; left out where each director checks by itself.'),
});
