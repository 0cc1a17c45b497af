/** `/v1/health`, and the health of a service and of a server: what checks have found. */
import { serverReport, serverStatusOf, serviceReport, serviceStatusOf } from '../../daemon/health-report.js';
import type { ServiceHealth } from '../../health/events.js';
import { serviceName } from '../../values/service-key.js';
import { serverName } from '../../values/server-options.js';
import { Problem } from '../problem.js';
import { serverOf, serviceOf } from '../router/named.js';
import { type Call, route } from '../router/route.js';
import {
  type HealthOverview,
  healthOverview,
  serverHealth,
  type ServerHealthJson,
  serviceHealth,
  type ServiceHealthJson,
} from '../schema/health.js';

/** Throws the problem 404. */
function knownOf(call: Call): ServiceHealth {
  const service = serviceOf(call);
  const found = call.context.health?.of(service);
  if (found) return found;
  const sentence = `the servers of ${serviceName(service)} are not checked: write health into the configuration`;
  throw new Problem(404, 'ERR_TUNVS_NOT_FOUND', sentence);
}

/** Throws the problem 404. */
function reportOf(call: Call): ServerHealthJson {
  const server = serverOf(call);
  const found = knownOf(call).servers.find((each) => each.server === server);
  if (found) return serverReport(found);
  throw new Problem(404, 'ERR_TUNVS_NOT_FOUND', `${serverName(server)} is not checked: look at its service's health`);
}

export const getHealthOverview = route({
  method: 'get',
  path: '/v1/health',
  id: 'getHealthOverview',
  summary: 'Show what checks have found of the servers of all services',
  description: 'Services whose servers are not checked are left out.',
  access: 'read',
  answers: { 200: { says: 'The services that are checked.', schema: healthOverview } },
  run({ context }) {
    const services = context.director.virtualServices.flatMap((service) => context.health?.of(service) ?? []);
    return { body: { services: services.map(overviewOf) } satisfies HealthOverview };
  },
});

function overviewOf(found: ServiceHealth): HealthOverview['services'][number] {
  const servers = found.servers.map((each) => {
    const { address, port } = each.server;
    return { name: serverName(each.server), address, port, ...serverStatusOf(each) };
  });
  return { name: serviceName(found.service), ...serviceStatusOf(found), servers };
}

export const getServiceHealth = route({
  method: 'get',
  path: '/v1/services/{service}/health',
  id: 'getServiceHealth',
  summary: 'Show what checks have found of the servers of a virtual service',
  access: 'read',
  answers: { 200: { says: 'The health of the service.', schema: serviceHealth } },
  problems: [404],
  run: (call) => ({ body: serviceReport(knownOf(call)) satisfies ServiceHealthJson }),
});

export const getServerHealth = route({
  method: 'get',
  path: '/v1/services/{service}/servers/{server}/health',
  id: 'getServerHealth',
  summary: 'Show what checks have found of a real server, with their last results',
  access: 'read',
  answers: { 200: { says: 'The health of the server.', schema: serverHealth } },
  problems: [404],
  run: (call) => ({ body: reportOf(call) }),
});

export const postCheck = route({
  method: 'post',
  path: '/v1/services/{service}/servers/{server}/check',
  id: 'checkServer',
  summary: 'Check a real server now, by all of its checks',
  description: 'It does not wait for what they find: `GET .../health` has that, and the event `health` tells a change.',
  access: 'write',
  answers: { 202: { says: 'The checks begin. This is what was found before.', schema: serverHealth } },
  problems: [404],
  run(call) {
    const body = reportOf(call);
    call.context.health?.monitor?.checkNow?.(serverOf(call));
    return { status: 202, body };
  },
});
