/** What the director is and has counted: `/v1/director`, `/v1/stats`, `/v1/counters` and `/metrics`. */
import { z } from 'zod';
import type { AppState } from '../router/route.js';
import { route } from '../router/route.js';
import { Problem } from '../problem.js';
import { countersOnly, director, stats } from '../schema/director.js';
import { queryFlag } from '../schema/values.js';

function directorJson({ context }: AppState) {
  const { name, version } = context;
  const { device, markDevices, sources, warnings } = context.director;
  return { name, ...(version !== undefined && { version }), device, markDevices, sources, warnings };
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

const PROMETHEUS = 'text/plain; version=0.0.4; charset=utf-8';
const OPENMETRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

export const getMetrics = route({
  method: 'get',
  path: '/metrics',
  id: 'getMetrics',
  summary: 'Show all figures as text for Prometheus',
  access: 'none',
  query: z.strictObject({ servers: queryFlag.optional().describe('Whether real servers have figures of their own.') }),
  media: [PROMETHEUS, OPENMETRICS],
  answers: { 200: { says: 'The figures, as OpenMetrics where Accept asks for it.', media: 'text/plain' } },
  problems: [404],
  run({ context, query, request }) {
    if (!context.metrics)
      throw new Problem(404, 'ERR_TUNVS_UNSUPPORTED', 'this director was started without metrics: give it metrics');
    const isOpen = /application\/openmetrics-text/i.test(request.headers.get('accept') ?? '');
    const format = isOpen ? 'openmetrics' : 'prometheus';
    return {
      media: isOpen ? OPENMETRICS : PROMETHEUS,
      text: context.metrics({ servers: query.servers ?? true, format }),
    };
  },
});
