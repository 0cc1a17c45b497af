/** What a configuration file says of connection sync. */
import { z } from 'zod';
import { syncAs } from '../../director/sync-by-role.js';

export const syncSchema = z.strictObject({
  peers: z
    .array(z.string().min(1))
    .min(1)
    .max(16)
    .optional()
    .describe('Lists the addresses of the other directors, each alone or with a port, such as 10.2.0.3:8848.'),
  keyFile: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Names the file of the keys by which peers sign, relative to this file. Without it the network is believed.',
    ),
  as: z
    .enum(syncAs)
    .optional()
    .describe(
      'Says what the director is: master while active and backup while a standby (role, the default), both, or always one of them.',
    ),
  interface: z
    .string()
    .min(1)
    .max(15)
    .optional()
    .describe('Names the interface by which messages leave and come in. Without peers it is needed.'),
  syncid: z
    .int()
    .min(0)
    .max(255)
    .optional()
    .describe('Sets the number of those who tell each other. The default is 0.'),
  port: z.int().min(1).max(65535).optional().describe('Sets the UDP port of a backup. The default is 8848.'),
  group: z.string().optional().describe('Sets the multicast group without peers. The default is 224.0.0.81.'),
  ttl: z.int().min(1).max(255).optional().describe('Sets the TTL of what goes to a group. The default is 1.'),
  maxMessageBytes: z
    .int()
    .min(1)
    .max(65507)
    .optional()
    .describe('Sets the longest message. By default it is what goes unfragmented.'),
});
