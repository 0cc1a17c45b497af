/** What a configuration file says of the fleet that its director belongs to. */
import { z } from 'zod';
import { duration } from './quantity.js';
import { variableName } from './variable.js';

const file = z.string().min(1);

export const etcdSchema = z.strictObject({
  endpoints: z
    .array(z.string())
    .min(1)
    .describe("Lists etcd's endpoints, as in http://10.2.0.5:2379; they are asked in turn."),
  prefix: z.string().describe('Says where the fleet stands in etcd, as in /tunvs/site.'),
  member: z.string().optional().describe("Says what the fleet calls this director. The default is the host's name."),
  lease: duration(2_000, 300_000)
    .optional()
    .describe(
      'Sets how long etcd counts this director as there without a word, in whole seconds. An etcd that is silent is ' +
        'found in that time, too. The default is 10s.',
    ),
  cache: file
    .optional()
    .describe(
      'Names the file that keeps the last good configuration. The default is NAME.etcd.json in STATE_DIRECTORY, or in ' +
        '/run/tunvs.',
    ),
  shareChecks: z
    .boolean()
    .optional()
    .describe('Says whether one director of the fleet checks each server for all. The default is false.'),
  ca: file.optional().describe("Names the certificates that may sign etcd's. The default is the system's."),
  cert: file.optional().describe('Names a certificate to show to etcd; it needs key.'),
  key: file.optional().describe('Names its private key.'),
  user: z.string().min(1).optional().describe('Names the user of etcd.'),
  password: z
    .strictObject({
      file: file.optional().describe('Names the file that holds the password, relative to this file.'),
      env: variableName.optional().describe('Names the environment variable that holds the password.'),
    })
    .optional()
    .describe("Says where the user's password is. The default is the variable TUNVS_ETCD_PASSWORD."),
});
