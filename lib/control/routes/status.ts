/** `/v1/status`: the director on one screen. */
import { route } from '../router/route.js';
import { status, type StatusJson } from '../schema/status.js';

export const getStatus = route({
  method: 'get',
  path: '/v1/status',
  id: 'getStatus',
  summary: 'Show all that one screen about the director needs',
  description: 'Rates come from two readings, so that the answer takes half a second.',
  access: 'read',
  answers: { 200: { says: 'The status.', schema: status } },
  run: async ({ status: reader }) => ({ body: (await reader.read()) satisfies StatusJson }),
});
