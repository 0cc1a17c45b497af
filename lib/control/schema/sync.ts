/** Schemas of connection sync. */
import { z } from 'zod';

const count = z.int();

const settings = {
  interface: z.string(),
  syncid: z.int(),
  maxMessageBytes: z.int(),
  group: z.string(),
  port: z.int(),
  ttl: z.int(),
};
const role = { ...settings, ports: count, messages: count, bytes: z.number(), records: count };

export const sync = z
  .object({
    master: z
      .object({ ...role, notesLost: count, recordsLost: count, messagesFailed: count })
      .optional()
      .describe('It is left out where the director is no master.'),
    backup: z
      .object({
        ...role,
        ...{ messagesLost: count, pauses: count, waiting: count },
        refused: z.record(z.string(), count).describe('By reason; docs/sync.md says what each is.'),
        outcomes: z.record(z.string(), count).describe('Likewise.'),
      })
      .optional()
      .describe('It is left out where the director is no backup.'),
  })
  .meta({ id: 'Sync' });

export const syncNew = z
  .strictObject({
    interface: z.string().max(15),
    syncid: z.int().min(0).max(255).optional(),
    maxMessageBytes: z.int().min(1).max(65507).optional(),
    group: z.string().max(64).optional().describe('A multicast address of IPv4 or IPv6.'),
    port: z.int().min(1).max(65535).optional(),
    ttl: z.int().min(1).max(255).optional(),
  })
  .meta({ id: 'SyncNew' });
