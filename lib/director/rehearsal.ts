/** Directors without a device on which changes are tried out, before the one that carries packets is touched. */
import { thisHost } from '../host/host.js';
import { OfflineDirector } from './director.js';
import type { FullNatOptions } from './full-nat-options.js';

/** It gets no packets, so that its table is the smallest. */
const CONNECTIONS = 1024;

export function ownAddresses(): string[] {
  return thisHost.addresses().map(({ address }) => address);
}

/** Stands in for what full NAT has, where that is not what is tried out. */
const ANY_FULL_NAT: FullNatOptions = { sources: ['192.0.2.253', '2001:db8:ffff:ffff:ffff:ffff:ffff:fffd'] };

/**
 * Returns one that is on this host, unless it is said which addresses its host has. It has to be closed. It has full NAT,
 * unless `fullNat` is null.
 */
export function rehearsalDirector(
  source: string | readonly string[],
  localAddresses: readonly string[] = ownAddresses(),
  fullNat: FullNatOptions | null = ANY_FULL_NAT,
): OfflineDirector {
  return OfflineDirector.create({ source, localAddresses, maxConnections: CONNECTIONS, ...(fullNat && { fullNat }) });
}
