/** `/v1/services`: the virtual services. */
import { z } from 'zod';
import type { VirtualService } from '../../director/virtual-service.js';
import { addService } from '../resource/changes.js';
import { assertUnchanged } from '../router/conditions.js';
import { LazyList } from '../router/json-in-turns.js';
import { foundService, serverJson, serviceFields, serviceJson } from '../resource/resources.js';
import { route } from '../router/route.js';
import { service, serviceNew, services } from '../schema/service.js';
import { servicePath } from '../resource/service-id.js';

export const listServices = route({
  method: 'get',
  path: '/v1/services',
  id: 'listServices',
  summary: 'List the virtual services with their real servers',
  description:
    'The ETag is that of the whole configuration when the answer began. A change that comes while a very long answer is ' +
    'made may show in it; If-Match with that ETag is refused then.',
  access: 'read',
  answers: { 200: { says: 'The services, in the order of adding.', schema: services } },
  run: ({ context, versions }) => ({
    body: { services: new LazyList(context.director.virtualServices, lazyServiceJson) },
    etag: versions.whole,
  }),
});

/** Its servers are read when they are written. */
const lazyServiceJson = (service: VirtualService) => ({
  ...serviceFields(service),
  realServers: new LazyList(service.realServers, serverJson),
});

export const postService = route({
  method: 'post',
  path: '/v1/services',
  id: 'addService',
  summary: 'Add a virtual service, with its real servers if they are given',
  access: 'write',
  body: serviceNew,
  answers: { 201: { says: 'The service was added.', schema: service } },
  problems: [409],
  isConditional: true,
  run({ context, versions, body, request }) {
    assertUnchanged(request.headers, versions.whole);
    const added = context.director.transaction((transaction) => addService(transaction, body));
    return {
      status: 201,
      body: serviceJson(added),
      etag: versions.of(added),
      headers: { location: servicePath(added) },
    };
  },
});

export const deleteServices = route({
  method: 'delete',
  path: '/v1/services',
  id: 'clearServices',
  summary: 'Delete all virtual services',
  description: 'The rules of marks stay.',
  access: 'write',
  answers: { 204: { says: 'There are no services any more.' } },
  isConditional: true,
  run({ context, versions, request }) {
    assertUnchanged(request.headers, versions.whole);
    context.director.clear();
    return {};
  },
});

export const zero = route({
  method: 'post',
  path: '/v1/zero',
  id: 'zero',
  summary: 'Set the counters back to 0: all of them, or those of one service',
  access: 'write',
  query: z.strictObject({ service: z.string().max(128).optional() }),
  answers: { 204: { says: 'They are 0.' } },
  problems: [404],
  run({ context, query }) {
    const { director } = context;
    if (query.service === undefined) director.zero();
    else foundService(director, query.service).zero();
    return {};
  },
});
