/** Says which interfaces of the host share a subnet with an address, and which addresses a range holds. */
import { addressBytes, formatAddress } from '../values/inet.js';
import { splitPrefix } from '../values/prefix.js';
import type { HostAddress } from './host.js';

/**
 * Says whether `address`, or the begin of a range, lies in the subnet of `of`. A subnet of one address has no
 * neighbours.
 */
export function isOnLink(address: string, of: HostAddress): boolean {
  const target = addressBytes(address.split('/', 1)[0] ?? '');
  const own = addressBytes(of.address);
  if (target === undefined || own === undefined || target.length !== own.length) return false;
  if (of.prefixLength >= own.length * 8) return false;
  return own.every((byte, index) => {
    const bits = Math.min(8, Math.max(0, of.prefixLength - 8 * index));
    return ((byte ^ (target[index] ?? 0)) & (0xff << (8 - bits)) & 0xff) === 0;
  });
}

/** Returns the names of the interfaces, but `except`, in whose subnets at least one of `targets` lies. */
export function interfacesOnLink(
  addresses: readonly HostAddress[],
  targets: readonly string[],
  except: readonly string[],
): string[] {
  const names = addresses
    .filter((own) => !except.includes(own.interfaceName) && own.interfaceName !== 'lo')
    .filter((own) => targets.some((target) => isOnLink(target, own)))
    .map((own) => own.interfaceName);
  return [...new Set(names)];
}

/** A longer list would need too many proxy entries: such a range must be routed to the director. */
const MOST_LISTED_BITS = 8;

function hostBits(prefix: string): number {
  const { base, length } = splitPrefix(prefix);
  const bits = (addressBytes(base)?.length ?? 0) * 8;
  return bits - (length ?? bits);
}

/** The range has more than 256 addresses. */
export function isLarge(prefix: string): boolean {
  return hostBits(prefix) > MOST_LISTED_BITS;
}

/** Returns the addresses of a range, or the one address. REQUIRES: not isLarge(). */
export function addressesIn(prefix: string): string[] {
  const bytes = addressBytes(splitPrefix(prefix).base) as Uint8Array;
  const last = bytes.length - 1;
  return Array.from({ length: 2 ** hostBits(prefix) }, (_, offset) => {
    const address = bytes.slice();
    address[last] = (bytes[last] ?? 0) + offset;
    return formatAddress(address);
  });
}
