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

/**
 * For each family an address that no server has, the dummy one of RFC 7600 and one of the discard prefix (RFC 6666), and
 * one of documentation (RFC 5737, RFC 9637) for a director whose own range holds the first.
 */
const STAND_INS = [
  ['192.0.0.8', '203.0.113.253'],
  ['100::1', '3fff:ffff::fffd'],
];

/** Stands in for what full NAT has, where that is not what is tried out: the director itself has other addresses. */
function anyFullNat(given: readonly string[]): FullNatOptions {
  const sources = given.map((source) => parseSource(source)).filter((source) => typeof source === 'string');
  const isFree = (address: string) => !sources.some((source) => isWithin(address, source));
  return { sources: STAND_INS.flatMap((addresses) => addresses.find(isFree) ?? []) };
}

/** What a rehearsal takes of the director that carries packets. */
export interface Rehearsed {
  readonly sources: readonly string[];
  readonly fullNat: FullNatOptions | undefined;
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
