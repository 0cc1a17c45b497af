/** Turns what is desired into what a director can hold: names are resolved, policies imported, all of it tried out. */
import type { Director } from '../../director/director.js';
import { type HoldingDirector, heldBy, type Wanted } from '../../rules/wanted.js';
import { checkedServerKey, serverName } from '../../values/server-options.js';
import { checkedServiceKey, serverPortOf, serviceName } from '../../values/service-key.js';
import type { Desired, DesiredService } from './desired.js';
import { type ConcreteServer, expandServers } from './expand.js';
import type { ServerPlaces } from './health-session.js';
import type { DnsTarget } from './lookup.js';
import { refuseMistakes } from './mistakes.js';
import type { PolicySet } from './policy-modules.js';
import { rehearseSpec } from './rehearse-spec.js';

export interface Found {
  targets: (name: string) => readonly DnsTarget[];
  policies: PolicySet;
}

export interface Sourced {
  wanted: Wanted;
  /** Sentences about what DNS answered and a service cannot have. */
  notices: string[];
  /** Where the servers of services that are checked come from, by the services' names. */
  places: Map<string, ServerPlaces>;
}

/** Throws all mistakes at once. */
export async function sourced(director: Director, desired: Desired, { targets, policies }: Found): Promise<Sourced> {
  const { sources } = director;
  const notices: string[] = [];
  const services = desired.services.map((service) => {
    const isThere = serversOf(director, service);
    const expanded = expandServers(service, { targets, isThere, sources });
    notices.push(...expanded.notices);
    const policy = service.policy === undefined ? null : (policies.get(service.policy)?.policy ?? null);
    return { ...service, policy, servers: expanded.servers };
  });
  const rehearsal = await rehearseSpec({ ...desired, services }, director);
  refuseMistakes(rehearsal.mistakes);
  const places = new Map(services.flatMap((service) => (service.health ? [placesOf(service)] : [])));
  return { wanted: rehearsal.wanted, notices: [...notices, ...rehearsal.notices], places };
}

/** The first that names a server counts. */
function placesOf({
  key,
  servers,
}: Pick<DesiredService, 'key'> & { servers: ConcreteServer[] }): [string, ServerPlaces] {
  const identity = checkedServiceKey('service', key);
  const places = new Map<string, string>();
  for (const { path, options } of servers) {
    const { address, port } = options;
    const given = { address, ...(port !== undefined && { port }) };
    const name = serverName(checkedServerKey('server', given, serverPortOf(identity)));
    if (!places.has(name)) places.set(name, path);
  }
  return [serviceName(identity), places];
}

type IsThere = (server: { address: string; port: number | undefined }) => boolean;

/** Looks only where a name may stand for more servers than are taken. */
function serversOf(director: Director, { key, servers }: DesiredService): IsThere {
  if (!servers.some((server) => 'dns' in server)) return () => false;
  try {
    const identity = checkedServiceKey('service', key);
    const service = director.virtualService(identity);
    return ({ address, port }) => service?.realServer({ address, port: port ?? serverPortOf(identity) }) !== undefined;
  } catch {
    // The rehearsal says what is wrong with the key.
    return () => false;
  }
}

/** What the director holds of these services alone. */
export function heldOf(
  director: Director,
  services: readonly { identity: Parameters<Director['virtualService']>[0] }[],
) {
  const virtualServices = services.flatMap(({ identity }) => director.virtualService(identity) ?? []);
  const { marks, stateTimeouts, sysctls } = director;
  return heldBy({ virtualServices, marks, stateTimeouts, sysctls } satisfies HoldingDirector);
}
