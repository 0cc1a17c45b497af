/** What the director is and has counted: `/v1/director`, `/v1/stats`, `/v1/counters` and `/metrics`. */
import { z } from 'zod';
import { fingerprintOf } from '../../fleet/fingerprint.js';
import { metricsContentTypes, metricsFormats } from '../../metrics/text.js';
import { type AppState, route } from '../router/route.js';
import { Problem } from '../problem.js';
import { countersOnly, director, fingerprint, stats } from '../schema/director.js';
import { queryFlag } from '../schema/values.js';

function directorJson({ context }: AppState) {
  const { name, version } = context;
  const { device, markDevices, sources, role, heldBack, warnings } = context.director;
  return { name, ...(version !== undefined && { version }), device, markDevices, sources, role, heldBack, warnings };
}

export const getDirector = route({
  method: 'get',
  path: '/v1/director',
  id: 'getDirector',
  summary: 'Show the director: its name, devices and addresses',
  access: 'read',
  answers: { 200: { says: 'The director.', schema: director } },
  run: (call) => ({ body: directorJson(call) }),
});

export const getStats = route({
  method: 'get',
  path: '/v1/stats',
  id: 'getStats',
  summary: 'Show the statistics of the director, its services and their real servers',
  access: 'read',
  answers: { 200: { says: 'The statistics.', schema: stats } },
  run: ({ context }) => ({ body: context.director.stats() }),
});

export const getCounters = route({
  method: 'get',
  path: '/v1/counters',
  id: 'getCounters',
  summary: "Show the director's counters and the load of its connection table",
  access: 'read',
  answers: { 200: { says: 'The counters.', schema: countersOnly } },
  run({ context }) {
    const { services: _, ...others } = context.director.stats();
    return { body: others };
  },
});

export const getFingerprint = route({
  method: 'get',
  path: '/v1/fingerprint',
  id: 'getFingerprint',
  summary: 'Show the fingerprint of all that decides where packets go',
  description:
    'Directors with the same fingerprint send packets to the same servers: services, schedulers and their options, ' +
    'marks, servers and the weights in force are the same. The order in which they came does not count, nor does what ' +
    'a director has for itself.',
  access: 'read',
  answers: { 200: { says: 'The fingerprint.', schema: fingerprint } },
  run({ context }) {
    const { virtualServices } = context.director;
    const servers = virtualServices.reduce((sum, { realServers }) => sum + realServers.length, 0);
    return { body: { fingerprint: fingerprintOf(context.director), services: virtualServices.length, servers } };
  },
});

export const getMetrics = route({
  method: 'get',
  path: '/metrics',
  id: 'getMetrics',
  summary: 'Show all figures as text for Prometheus',
  access: 'none',
  query: z.strictObject({ servers: queryFlag.optional().describe('Whether real servers have figures of their own.') }),
  media: metricsFormats.map((format) => metricsContentTypes[format]),
  answers: { 200: { says: 'The figures, as OpenMetrics where Accept asks for it.', media: 'text/plain' } },
  problems: [404],
  run({ context, query, request }) {
    if (!context.metrics)
      throw new Problem(404, 'ERR_TUNVS_UNSUPPORTED', 'this director was started without metrics: give it metrics');
    const isOpen = /application\/openmetrics-text/i.test(request.headers.get('accept') ?? '');
    const format = isOpen ? 'openmetrics' : 'prometheus';
    return {
      media: metricsContentTypes[format],
      text: context.metrics({ servers: query.servers ?? true, format }),
    };
  },
});
