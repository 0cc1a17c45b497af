/** `/v1/services/{service}/servers`: the real servers of a service. */
import { z } from 'zod';
import { addServer, editServer, putServer } from '../resource/changes.js';
import { assertUnchanged } from '../router/conditions.js';
import { forChange, serverOf, serviceOf } from '../router/named.js';
import { serverJson } from '../resource/resources.js';
import { type Reply, route } from '../router/route.js';
import { server, serverEdit, serverNew, serverStats, serverWhole } from '../schema/server.js';
import { parseServerId, servicePath } from '../resource/service-id.js';
import { serverName } from '../../values/server-options.js';
import { serverPortOf } from '../../values/service-key.js';

const all = '/v1/services/{service}/servers';
const one = `${all}/{server}`;

export const listServers = route({
  method: 'get',
  path: all,
  id: 'listServers',
  summary: 'List the real servers of a virtual service',
  access: 'read',
  answers: { 200: { says: 'The servers, in the order of adding.', schema: z.object({ servers: z.array(server) }) } },
  problems: [404],
  run(call): Reply {
    const service = serviceOf(call);
    return { body: { servers: service.realServers.map(serverJson) }, etag: call.versions.of(service) };
  },
});

export const postServer = route({
  method: 'post',
  path: all,
  id: 'addServer',
  summary: 'Add a real server',
  description: 'Its port is that of the service unless it is given. If-Match names the version of the service.',
  access: 'write',
  body: serverNew,
  answers: { 201: { says: 'The server was added.', schema: server } },
  problems: [404, 409],
  isConditional: true,
  run(call) {
    const service = forChange(call, serviceOf(call));
    const added = addServer(service, call.body);
    const headers = { location: `${servicePath(service)}/servers/${serverName(added)}` };
    return { status: 201, body: serverJson(added), etag: call.versions.of(added), headers };
  },
});

export const getServer = route({
  method: 'get',
  path: one,
  id: 'getServer',
  summary: 'Show a real server',
  access: 'read',
  answers: { 200: { says: 'The server.', schema: server } },
  problems: [404],
  run(call): Reply {
    const found = serverOf(call);
    return { body: serverJson(found), etag: call.versions.of(found) };
  },
});

export const putServerRoute = route({
  method: 'put',
  path: one,
  id: 'putServer',
  summary: 'Make a real server whole: add it, or change it to what is sent',
  description: 'What is left out has its default. Its health stays as it is unless it is given.',
  access: 'write',
  body: serverWhole,
  answers: {
    200: { says: 'The server is as it was sent.', schema: server },
    201: { says: 'The server was added.', schema: server },
  },
  problems: [404],
  isConditional: true,
  run(call) {
    const { versions, request, context } = call;
    const service = serviceOf(call);
    const key = parseServerId(call.params.server as string, serverPortOf(service));
    const before = service.realServer(key);
    assertUnchanged(request.headers, before && versions.of(before));
    const put = context.director.transaction(() => putServer(service, { ...call.body, ...key }));
    return { status: before ? 200 : 201, body: serverJson(put), etag: versions.of(put) };
  },
});

export const patchServer = route({
  method: 'patch',
  path: one,
  id: 'editServer',
  summary: 'Edit a real server, such as its weight or its health',
  description: 'What is left out stays as it is.',
  access: 'write',
  body: serverEdit,
  answers: { 200: { says: 'The server was edited.', schema: server } },
  problems: [404],
  isConditional: true,
  run(call) {
    const found = forChange(call, serverOf(call));
    editServer(found, call.body);
    return { body: serverJson(found), etag: call.versions.of(found) };
  },
});

export const deleteServer = route({
  method: 'delete',
  path: one,
  id: 'deleteServer',
  summary: 'Delete a real server',
  access: 'write',
  answers: { 204: { says: 'The server was deleted.' } },
  problems: [404],
  isConditional: true,
  run(call): Reply {
    forChange(call, serverOf(call)).delete();
    return {};
  },
});

export const getServerStats = route({
  method: 'get',
  path: `${one}/stats`,
  id: 'getServerStats',
  summary: 'Show the statistics of a real server',
  access: 'read',
  answers: { 200: { says: 'The statistics.', schema: serverStats } },
  problems: [404],
  run: (call): Reply => ({ body: serverOf(call).stats() }),
});
