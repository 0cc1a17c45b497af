/** What a configuration file says of what runs beside the director: its doors, its log, its figures. */
import { z } from 'zod';
import { etcdSchema } from './etcd.js';
import { syncSchema } from './sync.js';
import { variableName } from './variable.js';

/** A secret is never in the file: the file says where it is. */
const token = z.strictObject({
  file: z.string().min(1).optional().describe('Names the file that holds the token, relative to this file.'),
  env: variableName.optional().describe('Names the environment variable that holds the token.'),
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

/** A change of `control`, `etcd` or `sync` needs a restart. */
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
  etcd: etcdSchema
    .optional()
    .describe(
      'Makes the director one of a fleet, which takes services, servers and weights from etcd (docs/fleet.md).',
    ),
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
  sync: syncSchema
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
