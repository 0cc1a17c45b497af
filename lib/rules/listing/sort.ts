/** Sorts listings, unless `--nosort` is given. */
import { compareAddresses, type Endpoint } from '../../values/inet.js';
import { PROTOCOL_NUMBERS, type ServiceId, serviceFamily } from '../command.js';
import { splitPrefix } from '../../values/prefix.js';
import type { ListedService } from './rows.js';

/**
 * Orders services by mark, family, protocol, address and port, a range after its first address; and servers by address
 * and port.
 */
export function sortServices(services: readonly ListedService[]): ListedService[] {
  return services
    .map((service) => ({ ...service, servers: service.servers.toSorted(compareEndpoints) }))
    .sort((left, right) => compareServices(left.id, right.id));
}

function compareServices(left: ServiceId, right: ServiceId): number {
  const marks = (id: ServiceId) => (id.kind === 'mark' ? id.mark : 0);
  const byMarkAndFamily = marks(left) - marks(right) || serviceFamily(left) - serviceFamily(right);
  if (byMarkAndFamily !== 0 || left.kind === 'mark' || right.kind === 'mark') return byMarkAndFamily;
  const [here, there] = [splitPrefix(left.address), splitPrefix(right.address)];
  return (
    PROTOCOL_NUMBERS[left.protocol] - PROTOCOL_NUMBERS[right.protocol] ||
    compareEndpoints({ address: here.base, port: left.port }, { address: there.base, port: right.port }) ||
    (there.length ?? 129) - (here.length ?? 129) ||
    (left.lastPort ?? 0) - (right.lastPort ?? 0)
  );
}

function compareEndpoints(left: Endpoint, right: Endpoint): number {
  return compareAddresses(left.address, right.address) || left.port - right.port;
}
