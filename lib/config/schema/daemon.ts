/** What a configuration file says of what runs beside the director: its doors, its log, its figures. */
import { z } from 'zod';
import { syncAs } from '../../director/sync-by-role.js';

/** A secret is never in the file: the file says where it is. */
const token = z.strictObject({
  file: z.string().min(1).optional().describe('Names the file that holds the token, relative to this file.'),
  env: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/)
    .meta({ title: 'the name of an environment variable' })
    .optional()
    .describe('Names the environment variable that holds the token.'),
});

const http = z.strictObject({
  host: z.string().min(1).optional().describe('Sets the address to listen on. The default is 127.0.0.1.'),
  port: z.int().min(0).max(65535).describe('Sets the TCP port to listen on. 0 stands for a free port.'),
  tokens: z
    .strictObject({
      read: token.optional().describe('Says where the token is that may read.'),
      write: token.optional().describe('Says where the token is that may read and write.'),
    })
    .optional()
    .describe('Says where the bearer tokens are. Without a token only health and metrics are served.'),
});

const sync = z.strictObject({
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
    .min(128)
    .max(65507)
    .optional()
    .describe('Sets the longest message. By default it is what goes unfragmented.'),
});

/** A change of `control` or `sync` needs a restart. */
export const daemonFields = {
  control: z
    .strictObject({
      socket: z
        .union([z.boolean(), z.string().min(1)])
        .optional()
        .describe('Says whether to open the control socket, and where. The default is /run/tunvs/NAME.sock.'),
      group: z
        .union([z.string().min(1), z.int().min(0).max(0xffff_fffe)])
        .optional()
        .describe('Names the group whose members may use the socket as well. The default is none.'),
      http: http.optional().describe('Opens the control server on TCP as well.'),
    })
    .optional()
    .describe('Describes the doors by which a running director is looked into and changed.'),
  log: z
    .strictObject({
      format: z.enum(['human', 'json']).optional().describe("Chooses the form of a line. The default is 'human'."),
      level: z
        .enum(['debug', 'info', 'warn', 'error'])
        .optional()
        .describe("Sets the least important events that are logged. The default is 'info'."),
    })
    .optional()
    .describe('Describes the log.'),
  metrics: z
    .strictObject({
      servers: z
        .boolean()
        .optional()
        .describe('Says whether /metrics has the counters of each real server. The default is true.'),
    })
    .optional()
    .describe('Describes what /metrics of the control server gives.'),
  sync: sync
    .optional()
    .describe('Has directors tell each other of their connections: by peers, or by a multicast group as IPVS does.'),
  reload: z
    .strictObject({
      onChange: z
        .boolean()
        .optional()
        .describe('Says whether the file is read again when it has changed. The default is false.'),
    })
    .optional()
    .describe('Says when the file is read again, beside SIGHUP and tunvs reload.'),
};
