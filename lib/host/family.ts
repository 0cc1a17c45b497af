/** The two address families as ip(8) and /proc/sys/net know them. */
import type { AddressFamily } from '../values/inet.js';
import { sourceFamily as familyOf } from '../values/source.js';
import type { Host } from './host.js';
import type { HostStep } from './step.js';
import { setSysctl } from './sysctl.js';

export { familyOf };

/** Returns `192.0.2.1/32`, `2001:db8::1/128`; a range as it is. */
export function asPrefix(address: string): string {
  if (address.includes('/')) return address;
  return `${address}/${familyOf(address) === 4 ? 32 : 128}`;
}

/** ip(8) assumes IPv4 unless the command names another family. */
export function ipCommand(address: string, ...words: readonly string[]): string[] {
  return ipOf(familyOf(address), ...words);
}

/** Does the same where the family is known. */
export function ipOf(family: AddressFamily, ...words: readonly string[]): string[] {
  return family === 4 ? ['ip', ...words] : ['ip', '-6', ...words];
}

/** Does the same with the family always named, as queries need it. */
export function ipQuery(family: AddressFamily, ...words: readonly string[]): string[] {
  return ['ip', `-${family}`, ...words];
}

/** Does the same and asks for JSON. */
export function ipJson(family: AddressFamily, ...words: readonly string[]): string[] {
  return ['ip', '-j', `-${family}`, ...words];
}

/** Says whether the kernel has IPv6 at all. */
export function hasIpv6(host: Host): boolean {
  return host.readSysctl('net/ipv6/conf/all/disable_ipv6') !== undefined;
}

/** Returns steps that allow IPv6 on a device that is there, or will be. */
export function enableIpv6(host: Host, device: string): HostStep[] {
  const path = `net/ipv6/conf/${device}/disable_ipv6`;
  const now = host.readSysctl(path) ?? host.readSysctl('net/ipv6/conf/default/disable_ipv6');
  return now === '1' ? setSysctl(host, path, '0', `let ${device} have IPv6`) : [];
}

/**
 * Keeps the kernel from giving a TUN device a link-local address: nobody answers there, and its solicitations would
 * come out of the device as packets. REQUIRES: the device is not up yet.
 */
export function withoutLinkLocal(host: Host, device: string): HostStep[] {
  if (!hasIpv6(host)) return [];
  const command = { argv: ['ip', 'link', 'set', 'dev', device, 'addrgenmode', 'none'] };
  // The setting survives down and up.
  const isHeld = host.snapshot?.link(device) !== undefined;
  return [{ description: 'keep the kernel from giving it a link-local address', command, isHeld }];
}

/** Returns the local address of the interface that reaches a host of this address, undefined when none does. */
export function localAddressTowards(host: Host, address: string): string | undefined {
  const route = host.query(ipQuery(familyOf(address), '-o', 'route', 'get', address.split('/', 1)[0] ?? ''));
  return / src (\S+)/.exec(route ?? '')?.[1];
}
