/** Reads out of a spec what a director can be brought to while it runs. */
import { dirname, resolve } from 'node:path';
import { serverOptionsOf, serviceKeyOf, serviceSettingsOf } from '../library-options.js';
import { healthOf, serverHealthOf } from '../health-of.js';
import type { Origins, ServerSpec, ServiceSpec, Spec } from '../spec.js';
import type { Desired, DesiredService, GivenServer, NamedServers } from './desired.js';

/** A day, so that the TTL decides. */
const LONGEST_REFRESH_MS = 86_400_000;
/** A name that stands for more is more likely a mistake, or an attack on a resolver, than a pool. */
export const MOST_NAMED_SERVERS = 256;

/** A path in the spec is relative to the file that it stands in; without origins, to the working directory. */
export function desiredOf(spec: Spec, origins: Origins = new Map()): Desired {
  return {
    services: (spec.services ?? []).map((service, index) => {
      const health = healthOf(spec, service);
      return { ...desiredService(service, `services[${index}]`, origins), ...(health && { health }) };
    }),
    marks: (spec.marks ?? []) as Desired['marks'],
    timeouts: spec.timeouts ?? {},
    sysctls: spec.sysctls ?? {},
    ...(spec.health && { health: spec.health }),
  };
}

function desiredService(service: ServiceSpec, path: string, origins: Origins): DesiredService {
  const { policy, servers = [], sorryServers = [] } = service;
  const file = origins.get(`${path}.policy`)?.file;
  return {
    path,
    key: serviceKeyOf(service),
    settings: serviceSettingsOf(service),
    ...(policy !== undefined && { policy: resolve(file === undefined ? '.' : dirname(file), policy) }),
    servers: [
      ...servers.map((server, index) => desiredServer(server, `${path}.servers[${index}]`)),
      ...sorryServers.map((server, index) => sorryServer(server, `${path}.sorryServers[${index}]`)),
    ],
  };
}

function desiredServer(server: ServerSpec, path: string): GivenServer | NamedServers {
  const { address, dns, port, refresh = LONGEST_REFRESH_MS, max = MOST_NAMED_SERVERS } = server;
  const checked = serverHealthOf(server);
  const health = checked !== undefined && { health: checked };
  if (dns === undefined) return { path, options: serverOptionsOf({ ...server, address: address ?? '' }), ...health };
  const { address: _, port: __, ...settings } = serverOptionsOf({ ...server, address: '' });
  return { path, dns, ...(port !== undefined && { port }), refreshMs: refresh, max, settings, ...health };
}

function sorryServer(server: ServerSpec, path: string): GivenServer {
  return { path, options: { ...serverOptionsOf({ ...server, address: server.address ?? '' }), isSorry: true } };
}
