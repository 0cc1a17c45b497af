/** `/v1/drains` and the drain of one real server: begin, see, abandon. */
import { z } from 'zod';
import { MAX_DRAIN_SECONDS } from '../../director/drain.js';
import { forChange, serverOf } from '../router/named.js';
import { type Reply, route } from '../router/route.js';
import { drain } from '../schema/director.js';

const path = '/v1/services/{service}/servers/{server}/drain';

export const listDrains = route({
  method: 'get',
  path: '/v1/drains',
  id: 'listDrains',
  summary: 'List the real servers that are drained',
  access: 'read',
  answers: { 200: { says: 'The drains, wherever they were begun.', schema: z.object({ drains: z.array(drain) }) } },
  run({ context, drains }) {
    const servers = context.director.virtualServices.flatMap((service) => service.realServers);
    return { body: { drains: servers.filter(({ isDraining }) => isDraining).map((server) => drains.of(server)) } };
  },
});

export const getDrain = route({
  method: 'get',
  path,
  id: 'getDrain',
  summary: 'Show how far the drain of a real server is',
  access: 'read',
  answers: { 200: { says: 'The drain.', schema: drain } },
  problems: [404],
  run: (call): Reply => ({ body: call.drains.of(serverOf(call)) }),
});

export const postDrain = route({
  method: 'post',
  path,
  id: 'beginDrain',
  summary: 'Drain a real server: give it no new connections',
  description:
    'After `seconds` the connections that are left are ended; without it they end by themselves. The server stays ' +
    'drained until the drain is abandoned. A second drain only sets another deadline.',
  access: 'write',
  body: z.strictObject({ seconds: z.number().min(0).max(MAX_DRAIN_SECONDS).optional() }).optional(),
  answers: { 202: { says: 'The drain goes on.', schema: drain } },
  problems: [404],
  isConditional: true,
  run(call) {
    const server = forChange(call, serverOf(call));
    call.drains.begin(server, call.body?.seconds);
    return { status: 202, body: call.drains.of(server), etag: call.versions.of(server) };
  },
});

export const deleteDrain = route({
  method: 'delete',
  path,
  id: 'abandonDrain',
  summary: 'Abandon a drain: the real server gets new connections again',
  access: 'write',
  answers: { 204: { says: 'The server is not drained.' } },
  problems: [404],
  run(call): Reply {
    call.drains.abandon(serverOf(call));
    return {};
  },
});
