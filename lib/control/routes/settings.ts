/** The director's settings beside its services: `/v1/sysctls`, `/v1/timeouts` and `/v1/marks`. */
import type { Director } from '../../director/director.js';
import { allOrNothing, setSysctl } from '../../rules/all-or-nothing.js';
import { assertUnchanged } from '../router/conditions.js';
import { route } from '../router/route.js';
import { marks, sysctls, timeouts, timeoutsEdit } from '../schema/director.js';

export const getSysctls = route({
  method: 'get',
  path: '/v1/sysctls',
  id: 'getSysctls',
  summary: "Show IPVS's sysctls",
  access: 'read',
  answers: { 200: { says: 'The values by name.', schema: sysctls } },
  run: ({ context, versions }) => ({ body: context.director.sysctls, etag: versions.whole }),
});

export const patchSysctls = route({
  method: 'patch',
  path: '/v1/sysctls',
  id: 'setSysctls',
  summary: 'Set sysctls: all that are sent, or none',
  access: 'write',
  body: sysctls,
  answers: { 200: { says: 'The values by name.', schema: sysctls } },
  isConditional: true,
  run({ context, versions, body, request }) {
    assertUnchanged(request.headers, versions.whole);
    allOrNothing(context.director, (_, undo) => {
      for (const [name, value] of Object.entries(body)) setSysctl(context.director, name, value, undo);
    });
    return { body: context.director.sysctls, etag: versions.whole };
  },
});

const timeoutsJson = ({ timeouts: byName, stateTimeouts }: Director) => ({ ...byName, states: stateTimeouts });

export const getTimeouts = route({
  method: 'get',
  path: '/v1/timeouts',
  id: 'getTimeouts',
  summary: 'Show the timeouts of connections, in seconds',
  access: 'read',
  answers: { 200: { says: "The timeouts by ipvsadm's names, and by state.", schema: timeouts } },
  run: ({ context, versions }) => ({ body: timeoutsJson(context.director), etag: versions.whole }),
});

export const patchTimeouts = route({
  method: 'patch',
  path: '/v1/timeouts',
  id: 'setTimeouts',
  summary: 'Set timeouts',
  description: 'A connection takes its new timeout with its next packet.',
  access: 'write',
  body: timeoutsEdit,
  answers: { 200: { says: 'The timeouts.', schema: timeouts } },
  isConditional: true,
  run({ context, versions, body, request }) {
    assertUnchanged(request.headers, versions.whole);
    context.director.setTimeouts(body);
    return { body: timeoutsJson(context.director), etag: versions.whole };
  },
});

export const getMarks = route({
  method: 'get',
  path: '/v1/marks',
  id: 'getMarks',
  summary: 'Show the rules that give packets a firewall mark',
  access: 'read',
  answers: { 200: { says: 'The rules. The first that fits a packet counts.', schema: marks } },
  run: ({ context, versions }) => ({ body: { marks: context.director.marks }, etag: versions.whole }),
});

export const putMarks = route({
  method: 'put',
  path: '/v1/marks',
  id: 'setMarks',
  summary: 'Replace the rules that give packets a firewall mark',
  access: 'write',
  body: marks,
  answers: { 200: { says: 'The rules.', schema: marks } },
  problems: [409],
  isConditional: true,
  run({ context, versions, body, request }) {
    assertUnchanged(request.headers, versions.whole);
    context.director.setMarks(body.marks);
    return { body: { marks: context.director.marks }, etag: versions.whole };
  },
});
