/** `/v1/role`: whether the director answers for its virtual addresses on its host. */
import { route } from '../router/route.js';
import type { ControlContext } from '../context.js';
import { role, roleAnswer } from '../schema/director.js';

function answered({ director, fleet }: ControlContext) {
  const drain = fleet?.condition()?.drain;
  return { body: { role: director.role, ...(drain && { drain }) } };
}

export const getRole = route({
  method: 'get',
  path: '/v1/role',
  id: 'getRole',
  summary: "Show the director's role",
  access: 'read',
  answers: { 200: { says: 'The role.', schema: roleAnswer } },
  run: ({ context }) => answered(context),
});

export const putRole = route({
  method: 'put',
  path: '/v1/role',
  id: 'setRole',
  summary: 'Make the director active, or a standby',
  description:
    'The answer comes when the host has followed. A standby keeps services, connections and checks, and its host has ' +
    'neither routes nor proxy entries for virtual addresses. The role that it has already changes nothing, but `active` tells the neighbours once more. ' +
    'The last word about a director that is drained counts: it is that role at once, and keeps it.',
  access: 'write',
  body: role,
  answers: { 200: { says: 'The role.', schema: roleAnswer } },
  problems: [409],
  run({ context, body }) {
    const { director, fleet } = context;
    if (fleet) fleet.setRole(director, body.role);
    else director.setRole(body.role);
    return answered(context);
  },
});
