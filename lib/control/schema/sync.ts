/** Schemas of connection sync. */
import { z } from 'zod';

const count = z.int();

const settings = {
  interface: z.string(),
  syncid: z.int(),
  maxMessageBytes: z.int(),
  port: z.int(),
  isSigned: z.boolean(),
  group: z.string().optional().describe('It is left out with peers, as is ttl.'),
  ttl: z.int().optional(),
};
const state = z.enum(['away', 'transferring', 'caughtUp']);
const told = z.object({
  ...{ address: z.string(), port: z.int(), state, messages: count, bytes: z.number(), lost: z.number() },
  ...{ transfers: count, transferred: count, resent: count, lagMs: z.number(), refused: count },
  lastRefusal: z.string().optional(),
});
const heard = z.object({
  ...{ address: z.string(), state, isCaughtUp: z.boolean(), messages: count, lost: z.number(), sessions: count },
  ...{ transfers: count, heardMsAgo: z.number().optional(), refused: count },
  lastRefusal: z.string().optional(),
});
const role = { ...settings, ports: count, messages: count, bytes: z.number(), records: count };

export const sync = z
  .object({
    isCaughtUp: z
      .boolean()
      .optional()
      .describe('Whether a peer has been told all, or a backup alone has all of a peer; left out without peers.'),
    master: z
      .object({ ...role, notesLost: count, recordsLost: count, messagesFailed: count, peers: z.array(told).optional() })
      .optional()
      .describe('It is left out where the director is no master.'),
    backup: z
      .object({
        ...role,
        ...{ messagesLost: count, pauses: count, waiting: count, peers: z.array(heard).optional() },
        refused: z.record(z.string(), count).describe('By reason; docs/sync.md says what each is.'),
        outcomes: z.record(z.string(), count).describe('Likewise.'),
      })
      .optional()
      .describe('It is left out where the director is no backup.'),
  })
  .meta({ id: 'Sync' });

export const syncNew = z
  .strictObject({
    interface: z.string().max(15).optional().describe('It may be left out with peers.'),
    peers: z
      .array(z.string().max(64))
      .min(1)
      .max(16)
      .optional()
      .describe('Addresses of other directors, each alone or with a port, in place of a group.'),
    keyFile: z
      .string()
      .max(4096)
      .optional()
      .describe("A file of the director's host with the keys by which peers sign, a line each."),
    syncid: z.int().min(0).max(255).optional(),
    maxMessageBytes: z.int().min(1).max(65507).optional(),
    group: z.string().max(64).optional().describe('A multicast address of IPv4 or IPv6.'),
    port: z.int().min(1).max(65535).optional(),
    ttl: z.int().min(1).max(255).optional(),
  })
  .meta({ id: 'SyncNew' });
