/**
 * The devices that NAT servers are behind. ICMP errors about what the director has sent to a server come in by them,
 * from the server or from a router before it, and are addressed to the client, so the host would forward them.
 */
import type { AddressFamily } from '../../values/inet.js';
import type { Host } from '../host.js';
import { isOnLink } from '../subnet.js';
import { type NatServer, serversOf } from './nat-server.js';

export interface NatWays {
  /** The devices in whose subnets there are servers. */
  readonly devices: readonly string[];
  /** Some servers are behind routers: errors may come in by any device, whatever the routes are now. */
  readonly isAny: boolean;
}

/** `device` is the director's own. Devices that are down count, since they come up again. */
export function natWays(host: Host, device: string, servers: readonly NatServer[], family: AddressFamily): NatWays {
  const own = (host.snapshot?.allAddresses ?? host.addresses()).filter(
    ({ interfaceName }) => interfaceName !== device && interfaceName !== 'lo',
  );
  const devices = new Set<string>();
  let isAny = false;
  for (const address of new Set(serversOf(servers, family).map((server) => server.address))) {
    const near = own.filter((each) => isOnLink(address, each));
    for (const { interfaceName } of near) devices.add(interfaceName);
    isAny ||= near.length === 0;
  }
  return { devices: [...devices].sort(), isAny };
}
