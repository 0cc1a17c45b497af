/** Reads of a director what its fleet is told. */
import type { Director } from '../director/director.js';
import type { RealServer, VirtualService } from '../director/virtual-service.js';
import type { HealthSlot } from '../health/view.js';
import { serverName } from '../values/server-options.js';
import { serviceName } from '../values/service-key.js';
import { fingerprintOf } from './fingerprint.js';
import type { MemberState } from './state.js';

/** etcd takes values of 1.5 MiB; so many servers have a third of that. */
const MOST_SERVERS = 10_000;

export type OwnState = Pick<MemberState, 'fingerprint' | 'services' | 'servers' | 'serversUp' | 'health'>;

export function ownState(
  director: Pick<Director, 'virtualServices' | 'marks'>,
  health?: Pick<HealthSlot, 'of'>,
): OwnState {
  const { virtualServices } = director;
  const all = virtualServices.flatMap((service) => service.realServers);
  const isFull = all.length <= MOST_SERVERS;
  const states = virtualServices.map(
    (service) => [serviceName(service), serverStates(service, health, isFull)] as const,
  );
  return {
    fingerprint: fingerprintOf(director),
    services: virtualServices.length,
    servers: all.length,
    serversUp: all.filter((server) => server.fullWeight > 0).length,
    health: Object.fromEntries(states.filter(([, servers]) => isFull || Object.keys(servers).length > 0)),
  };
}

function serverStates(service: VirtualService, health: Pick<HealthSlot, 'of'> | undefined, isFull: boolean) {
  const known = new Map(health?.of(service)?.servers.map(({ server, state }) => [server, state]));
  const states = service.realServers.map((server) => [serverName(server), stateOf(server, known.get(server))] as const);
  return Object.fromEntries(isFull ? states : states.filter(([, state]) => state !== 'up'));
}

function stateOf(server: RealServer, health: string | undefined): string {
  if (!server.isUp) return 'down';
  if (health !== undefined && health !== 'up' && health !== 'unchecked') return health;
  if (server.isDraining) return 'draining';
  return server.fullWeight === 0 ? 'weight 0' : 'up';
}
