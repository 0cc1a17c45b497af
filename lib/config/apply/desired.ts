/** What a configuration wants of a director, with names that are not resolved and policies that are not imported yet. */
import type { VirtualServiceEdit } from '../../director/service-options.js';
import type { MarkRule } from '../../values/marks.js';
import type { RealServerOptions } from '../../values/server-options.js';
import type { VirtualServiceKey } from '../../values/service-key.js';
import type { StateTimeouts, Timeouts } from '../../values/timeouts.js';

/** Servers that DNS names; `settings` holds for each of them. */
export interface NamedServers {
  /** Where it stands in the configuration, as `services[0].servers[1]`. */
  path: string;
  dns: string;
  /** The port of each, unless an SRV record has one. */
  port?: number;
  /** A name is asked again at the latest after this time. */
  refreshMs: number;
  /** A name that stands for more servers is cut down to so many. */
  max: number;
  settings: Omit<RealServerOptions, 'address' | 'port' | 'isUp'>;
}

export interface GivenServer {
  path: string;
  options: Omit<RealServerOptions, 'isUp'>;
}

export interface DesiredService {
  path: string;
  key: VirtualServiceKey;
  settings: Omit<VirtualServiceEdit, 'policy'>;
  /** The file of the module that has the policy. */
  policy?: string;
  servers: (GivenServer | NamedServers)[];
}

export interface Desired {
  services: DesiredService[];
  marks: MarkRule[];
  timeouts: Partial<Timeouts> & StateTimeouts;
  sysctls: Record<string, number>;
}

/** Returns each name once, with the shortest time after which it is asked again. */
export function namesOf({ services }: Pick<Desired, 'services'>): Map<string, number> {
  const names = new Map<string, number>();
  for (const { servers } of services)
    for (const server of servers)
      if ('dns' in server) names.set(server.dns, Math.min(server.refreshMs, names.get(server.dns) ?? Infinity));
  return names;
}

export function policiesOf({ services }: Pick<Desired, 'services'>): { file: string; path: string }[] {
  return services.flatMap(({ policy, path }) =>
    policy === undefined ? [] : [{ file: policy, path: `${path}.policy` }],
  );
}
