/** Services and real servers as the API shows them, and how they are found. */
import type { Director } from '../../director/director.js';
import type { RealServer, VirtualService } from '../../director/virtual-service.js';
import { serverName } from '../../values/server-options.js';
import { serverPortOf } from '../../values/service-key.js';
import { Problem } from '../problem.js';
import type { ServerJson } from '../schema/server.js';
import type { ServiceJson } from '../schema/service.js';
import { parseServerId, parseServiceId, serviceId } from './service-id.js';

const MOST_NAMED = 5;

/** Throws the problem 404 with what there is. */
export function foundService(
  director: Pick<Director, 'virtualService' | 'virtualServices'>,
  id: string,
): VirtualService {
  const service = director.virtualService(parseServiceId(id));
  if (service) return service;
  const there = thereAre(director.virtualServices, serviceId);
  throw new Problem(404, 'ERR_TUNVS_NOT_FOUND', `there is no virtual service ${id.slice(0, 128)}: ${there}`);
}

export function foundServer(service: VirtualService, id: string): RealServer {
  const server = service.realServer(parseServerId(id, serverPortOf(service)));
  if (server) return server;
  const there = thereAre(service.realServers, serverName);
  const where = serviceId(service);
  throw new Problem(404, 'ERR_TUNVS_NOT_FOUND', `${where} has no real server ${id.slice(0, 128)}: ${there}`);
}

function thereAre<Handle>(handles: readonly Handle[], nameOf: (handle: Handle) => string): string {
  if (handles.length === 0) return 'there is none yet';
  const names = handles.slice(0, MOST_NAMED).map(nameOf);
  const more = handles.length > MOST_NAMED ? ` and ${handles.length - MOST_NAMED} more` : '';
  return `there ${handles.length === 1 ? 'is' : 'are'} ${names.join(', ')}${more}`;
}

export function serviceJson(service: VirtualService): ServiceJson {
  return { ...serviceFields(service), realServers: service.realServers.map(serverJson) };
}

/** All but its servers. */
export function serviceFields(service: VirtualService): Omit<ServiceJson, 'realServers'> {
  const { protocol, address, port, lastPort, mark, policy } = service;
  return {
    id: serviceId(service),
    ...{ protocol, address, port },
    ...(lastPort !== undefined && { lastPort }),
    ...(mark !== undefined && { mark }),
    ...serviceSettings(service),
    ...(policy && { policy: { kind: policy.kind, name: policy.name } }),
  };
}

export function serviceSettings(service: VirtualService) {
  const { scheduler, schedulerFlags, schedulerOptions, onePacket, timeouts, midStream, slowStart } = service;
  return {
    ...{ scheduler, schedulerFlags, schedulerOptions },
    persistence: service.persistence ?? (false as const),
    ...{ onePacket, timeouts, midStream, slowStart },
    rescheduleUdp: service.rescheduleUdp,
    announce: service.announce,
  };
}

export function serverJson(server: RealServer): ServerJson {
  const { address, port, isDraining, assignedWeight } = server;
  return {
    ...{ address, port },
    ...serverSettings(server),
    isUp: server.isUp,
    isDraining,
    ...(assignedWeight !== undefined && { assignedWeight }),
    ...(server.isSorry && { isSorry: true }),
  };
}

export function serverSettings(server: RealServer) {
  const { weight, forwarding, tunnelPort, tunnelChecksum, clientAddress, upperThreshold, lowerThreshold } = server;
  return {
    ...{ weight, forwarding },
    ...(tunnelPort !== 0 && { tunnelPort }),
    ...{ tunnelChecksum, clientAddress, upperThreshold, lowerThreshold },
  };
}
