/** Directors without a device on which changes are tried out, before the one that carries packets is touched. */
import { thisHost } from '../host/host.js';
import { OfflineDirector } from './director.js';

/** It gets no packets, so that its table is the smallest. */
const CONNECTIONS = 1024;

export function ownAddresses(): string[] {
  return thisHost.addresses().map(({ address }) => address);
}

/** Returns one that is on this host, unless it is said which addresses its host has. It has to be closed. */
export function rehearsalDirector(
  source: string | readonly string[],
  localAddresses: readonly string[] = ownAddresses(),
): OfflineDirector {
  return OfflineDirector.create({ source, localAddresses, maxConnections: CONNECTIONS });
}
