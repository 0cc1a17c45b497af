/** `/v1/role`: whether the director answers for its virtual addresses on its host. */
import { route } from '../router/route.js';
import { role } from '../schema/director.js';

export const getRole = route({
  method: 'get',
  path: '/v1/role',
  id: 'getRole',
  summary: "Show the director's role",
  access: 'read',
  answers: { 200: { says: 'The role.', schema: role } },
  run: ({ context }) => ({ body: { role: context.director.role } }),
});

export const putRole = route({
  method: 'put',
  path: '/v1/role',
  id: 'setRole',
  summary: 'Make the director active, or a standby',
  description:
    'The answer comes when the host has followed. A standby keeps services, connections and checks, and its host has ' +
    'neither routes nor proxy entries for virtual addresses. The role that it has already changes nothing, but `active` tells the neighbours once more.',
  access: 'write',
  body: role,
  answers: { 200: { says: 'The role.', schema: role } },
  problems: [409],
  run({ context, body }) {
    context.director.setRole(body.role);
    return { body: { role: context.director.role } };
  },
});
