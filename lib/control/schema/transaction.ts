/** Schemas of several changes in one. */
import { z } from 'zod';
import { marks, sysctls, timeoutsEdit } from './director.js';
import { serverEdit, serverNew, serverWhole } from './server.js';
import { serviceEdit, serviceNew, serviceWhole } from './service.js';

const service = z.string().max(128).describe("The service's id.");
const server = z.string().max(128).describe('ADDRESS:PORT of the real server.');

export const change = z.discriminatedUnion('op', [
  z.strictObject({ op: z.literal('addService'), value: serviceNew }),
  z.strictObject({ op: z.literal('putService'), service, value: serviceWhole }),
  z.strictObject({ op: z.literal('editService'), service, value: serviceEdit }),
  z.strictObject({ op: z.literal('deleteService'), service }),
  z.strictObject({ op: z.literal('addServer'), service, value: serverNew }),
  z.strictObject({ op: z.literal('putServer'), service, server, value: serverWhole }),
  z.strictObject({ op: z.literal('editServer'), service, server, value: serverEdit }),
  z.strictObject({ op: z.literal('deleteServer'), service, server }),
  z.strictObject({ op: z.literal('setMarks'), value: marks }),
  z.strictObject({ op: z.literal('setTimeouts'), value: timeoutsEdit }),
  z.strictObject({ op: z.literal('setSysctls'), value: sysctls }),
  z.strictObject({ op: z.literal('clear') }),
  z.strictObject({ op: z.literal('zero') }),
]);

export const transaction = z
  .strictObject({
    changes: z.array(change).max(65536),
    dryRun: z.boolean().optional().describe('Whether the changes are only checked.'),
  })
  .meta({ id: 'Transaction' });

export const transactionResult = z.object({ isDryRun: z.boolean(), changes: z.int().describe('How many there are.') });

export type ChangeJson = z.output<typeof change>;
