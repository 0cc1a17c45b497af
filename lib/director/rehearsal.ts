/** Directors without a device on which changes are tried out, before the one that carries packets is touched. */
import { thisHost } from '../host/host.js';
import { OfflineDirector } from './director.js';
import { isWithin } from '../values/prefix.js';
import { parseSource } from '../values/source.js';
import type { FullNatOptions } from './full-nat-options.js';

/** It gets no packets, so that its table is the smallest. */
const CONNECTIONS = 1024;

export function ownAddresses(): string[] {
  return thisHost.addresses().map(({ address }) => address);
}

/** Addresses of documentation (RFC 5737, RFC 3849, RFC 9637), far from each other. */
const STAND_INS = ['192.0.2.253', '203.0.113.253', '2001:db8:ffff:ffff::fffd', '3fff:ffff::fffd'];

/** Stands in for what full NAT has, where that is not what is tried out: the director itself has other addresses. */
function anyFullNat(given: readonly string[]): FullNatOptions {
  const sources = given.map((source) => parseSource(source)).filter((source) => typeof source === 'string');
  return { sources: STAND_INS.filter((address) => !sources.some((source) => isWithin(address, source))) };
}

/**
 * Returns one that is on this host, unless it is said which addresses its host has. It has to be closed. It has full NAT,
 * unless `fullNat` is null.
 */
export function rehearsalDirector(
  source: string | readonly string[],
  localAddresses: readonly string[] = ownAddresses(),
  fullNat: FullNatOptions | null = anyFullNat([source].flat()),
): OfflineDirector {
  return OfflineDirector.create({ source, localAddresses, maxConnections: CONNECTIONS, ...(fullNat && { fullNat }) });
}
