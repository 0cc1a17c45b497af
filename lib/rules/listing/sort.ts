/** The order that listings are in unless `--nosort` is given. */
import { compareAddresses, type Endpoint } from '../../inet.js';
import { PROTOCOL_NUMBERS, type ServiceId, serviceFamily } from '../command.js';
import type { ListedService } from './rows.js';

/** Services by mark, family, protocol, address and port; each one's servers by address and port. */
export function sortServices(services: readonly ListedService[]): ListedService[] {
  return services
    .map((service) => ({ ...service, servers: service.servers.toSorted(compareEndpoints) }))
    .sort((left, right) => compareServices(left.id, right.id));
}

function compareServices(left: ServiceId, right: ServiceId): number {
  const marks = (id: ServiceId) => (id.kind === 'fwmark' ? id.fwmark : 0);
  const byMarkAndFamily = marks(left) - marks(right) || serviceFamily(left) - serviceFamily(right);
  if (byMarkAndFamily !== 0 || left.kind === 'fwmark' || right.kind === 'fwmark') return byMarkAndFamily;
  return PROTOCOL_NUMBERS[left.protocol] - PROTOCOL_NUMBERS[right.protocol] || compareEndpoints(left, right);
}

function compareEndpoints(left: Endpoint, right: Endpoint): number {
  return compareAddresses(left.address, right.address) || left.port - right.port;
}
