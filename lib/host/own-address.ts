/** Says which addresses are a host's own: a real server there is a local node. */
import { addressBytes } from '../values/inet.js';
import type { HostAddress } from './host.js';

/** `addresses` are those of the host's interfaces. REQUIRES: canonical addresses. */
export function isOwnAddress(address: string, addresses: readonly Pick<HostAddress, 'address'>[]): boolean {
  return isLoopback(address) || addresses.some((own) => own.address === address);
}

function isLoopback(address: string): boolean {
  return address === '::1' || (addressBytes(address)?.length === 4 && address.startsWith('127.'));
}
