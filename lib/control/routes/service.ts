/** `/v1/services/{service}`: one virtual service. */
import { editService, putService } from '../resource/changes.js';
import { assertUnchanged } from '../router/conditions.js';
import { forChange, serviceOf } from '../router/named.js';
import { serviceJson } from '../resource/resources.js';
import { type Reply, route } from '../router/route.js';
import { service, serviceEdit, serviceStats, serviceWhole } from '../schema/service.js';
import { parseServiceId, servicePath } from '../resource/service-id.js';

const path = '/v1/services/{service}';

export const getService = route({
  method: 'get',
  path,
  id: 'getService',
  summary: 'Show a virtual service with its real servers',
  access: 'read',
  answers: { 200: { says: 'The service.', schema: service } },
  problems: [404],
  run(call): Reply {
    const found = serviceOf(call);
    return { body: serviceJson(found), etag: call.versions.of(found) };
  },
});

export const putServiceRoute = route({
  method: 'put',
  path,
  id: 'putService',
  summary: 'Make a virtual service whole: add it, or change it to what is sent',
  description:
    'What is left out has its default, and real servers that are left out are deleted. Servers that stay keep their ' +
    'order, connections and health. A policy stays.',
  access: 'write',
  body: serviceWhole,
  answers: {
    200: { says: 'The service is as it was sent.', schema: service },
    201: { says: 'The service was added.', schema: service },
  },
  problems: [404, 409],
  isConditional: true,
  run({ context, versions, params, body, request }) {
    const { director } = context;
    const key = parseServiceId(params.service as string);
    const before = director.virtualService(key);
    assertUnchanged(request.headers, before && versions.of(before));
    const put = director.transaction((transaction) => putService(transaction, key, body));
    return {
      ...(before ? {} : { status: 201, headers: { location: servicePath(put) } }),
      body: serviceJson(put),
      etag: versions.of(put),
    };
  },
});

export const patchService = route({
  method: 'patch',
  path,
  id: 'editService',
  summary: 'Edit a virtual service',
  description: 'What is left out stays as it is.',
  access: 'write',
  body: serviceEdit,
  answers: { 200: { says: 'The service was edited.', schema: service } },
  problems: [404],
  isConditional: true,
  run(call) {
    const found = forChange(call, serviceOf(call));
    editService(found, call.body);
    return { body: serviceJson(found), etag: call.versions.of(found) };
  },
});

export const deleteService = route({
  method: 'delete',
  path,
  id: 'deleteService',
  summary: 'Delete a virtual service with its real servers',
  access: 'write',
  answers: { 204: { says: 'The service was deleted.' } },
  problems: [404],
  isConditional: true,
  run(call): Reply {
    forChange(call, serviceOf(call)).delete();
    return {};
  },
});

export const getServiceStats = route({
  method: 'get',
  path: `${path}/stats`,
  id: 'getServiceStats',
  summary: 'Show the statistics of a virtual service and its real servers',
  access: 'read',
  answers: { 200: { says: 'The statistics.', schema: serviceStats } },
  problems: [404],
  run: (call): Reply => ({ body: serviceOf(call).stats() }),
});
