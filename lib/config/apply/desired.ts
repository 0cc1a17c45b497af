/** What a configuration wants of a director, with names that are not resolved and policies that are not imported yet. */
import type { VirtualServiceEdit } from '../../director/service-options.js';
import type { MarkRule } from '../../values/marks.js';
import type { RealServerOptions } from '../../values/server-options.js';
import type { VirtualServiceKey } from '../../values/service-key.js';
import { readCheck } from '../check-options.js';
import type { WantedHealth, WantedServerHealth } from '../health-of.js';
import type { HealthSpec } from '../spec.js';
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
  /** False for servers that are not checked. */
  health?: WantedServerHealth | false;
}

export interface GivenServer {
  path: string;
  options: Omit<RealServerOptions, 'isUp'>;
  /** False for a server that is not checked. */
  health?: WantedServerHealth | false;
}

export interface DesiredService {
  path: string;
  key: VirtualServiceKey;
  settings: Omit<VirtualServiceEdit, 'policy'>;
  /** The file of the module that has the policy. */
  policy?: string;
  /** Absent when the servers are not checked. */
  health?: WantedHealth;
  servers: (GivenServer | NamedServers)[];
}

export interface Desired {
  services: DesiredService[];
  marks: MarkRule[];
  timeouts: Partial<Timeouts> & StateTimeouts;
  sysctls: Record<string, number>;
  /** What holds for all services that are checked. */
  health?: HealthSpec;
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

/** Returns the modules of checks, each with where it is named. */
export function checkModulesOf({ services }: Pick<Desired, 'services'>): { file: string; path: string }[] {
  return services.flatMap(({ health, servers, path }) => [
    ...modulesIn(health?.checks, `${path}.health`),
    ...servers.flatMap((server) => modulesIn((server.health || undefined)?.checks, `${server.path}.health`)),
  ]);
}

function modulesIn(checks: WantedHealth['checks'] | undefined, path: string): { file: string; path: string }[] {
  return (checks ?? []).flatMap(({ check }) => {
    const read = readCheck(check);
    return 'module' in read ? [{ file: read.module, path }] : [];
  });
}
