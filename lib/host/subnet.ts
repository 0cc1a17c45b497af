/** Which interfaces of the host share a subnet with an IPv4 address. */
import type { HostAddress } from './host.js';

function toNumber(address: string): number {
  return address.split('.').reduce((value, octet) => value * 256 + Number(octet), 0);
}

/** Whether `address` lies in the subnet of `of`. A /32 has no neighbours. */
export function isOnLink(address: string, of: HostAddress): boolean {
  if (of.prefixLength > 31) return false;
  const size = 2 ** (32 - of.prefixLength);
  return Math.floor(toNumber(address) / size) === Math.floor(toNumber(of.address) / size);
}

/** Names of the interfaces, but `except`, in whose subnets at least one of `targets` lies. */
export function interfacesOnLink(
  addresses: readonly HostAddress[],
  targets: readonly string[],
  except: string,
): string[] {
  const names = addresses
    .filter((own) => own.interfaceName !== except && own.interfaceName !== 'lo')
    .filter((own) => targets.some((target) => isOnLink(target, own)))
    .map((own) => own.interfaceName);
  return [...new Set(names)];
}
