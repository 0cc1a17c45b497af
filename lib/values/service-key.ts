/** Names a virtual service by protocol, address and port, or by a firewall mark. */
import { type AddressFamily, addressFamily, whyNotRouted } from './inet.js';
import type { NativeServiceKey } from '../native/services.js';
import { choiceOption, integerOption, MAX_UINT32, readArguments, refuse } from './options.js';
import { parseUnicastPrefix, prefixFamily, splitPrefix } from './prefix.js';
import { type AnyProtocol, type Protocol, protocolName, protocolNumber, protocols } from './protocol.js';

/** The name of a virtual service by protocol, address and port. */
export interface AddressServiceKey {
  /** The transport protocol. */
  protocol: Protocol;
  /** The virtual address (VIP), or a range of them such as `192.0.2.0/28`. */
  address: string;
  /** The virtual port, or the first of a range, [0, 65535]. 0 stands for every port; it is for persistent services. */
  port: number;
  /** The last port of a range that begins with `port`. The default is `port`. */
  lastPort?: number | undefined;
}

/** The name of a virtual service by firewall mark, which takes whatever packets {@link Director.setMarks} marks. */
export interface MarkServiceKey {
  /** The firewall mark, [1, 2^32 - 1]. */
  mark: number;
  /** The address family. The default is 4. */
  family?: AddressFamily;
}

/** What names a virtual service: protocol, address and port, or a firewall mark. */
export type VirtualServiceKey = AddressServiceKey | MarkServiceKey;

/** The name of a virtual service in full. */
export interface ServiceIdentity {
  /** The transport protocol. It is 'ip', any, when `mark` is set. */
  protocol: AnyProtocol;
  /** The virtual address (VIP), or ADDRESS/LENGTH. It is '0.0.0.0' or '::', any of the family, when `mark` is set. */
  address: string;
  /** The virtual port, or the first of a range; 0 stands for every port. */
  port: number;
  /** The last port of a range that begins with `port`. */
  lastPort?: number | undefined;
  /** The firewall mark that names the service. */
  mark?: number | undefined;
}

/** Writes `tcp 192.0.2.1:80`, `tcp 192.0.2.0/28:8000-8099`, `mark 1`, `mark 1 IPv6`. REQUIRES: a canonical address. */
export function serviceName(service: ServiceIdentity): string {
  if (service.mark === undefined) return `${service.protocol} ${formatVirtualEndpoint(service)}`;
  return `mark ${service.mark}${prefixFamily(service.address) === 6 ? ' IPv6' : ''}`;
}

/** Writes `192.0.2.1:80`, `[2001:db8::/64]:8000-8099`. REQUIRES: a canonical address. */
export function formatVirtualEndpoint({ address, port, lastPort }: Omit<ServiceIdentity, 'protocol'>): string {
  const ports = lastPort === undefined ? `${port}` : `${port}-${lastPort}`;
  return prefixFamily(address) === 6 ? `[${address}]:${ports}` : `${address}:${ports}`;
}

/** Returns the default port of its real servers: the service's one port, or 0, which keeps the packet's. */
export function serverPortOf({ port, lastPort }: Pick<ServiceIdentity, 'port' | 'lastPort'>): number {
  return lastPort === undefined ? port : 0;
}

/** `call` is what the caller called, for the error. A service's handle and its stats are keys as well. */
export function checkedServiceKey(call: string, key: VirtualServiceKey | ServiceIdentity): ServiceIdentity {
  if (typeof key !== 'object' || key === null) refuse(`${call}: key`, key, '{ protocol, address, port } or { mark }');
  return readArguments(call, () => {
    const { protocol, address, port, lastPort, mark, family } = key as NamedMark;
    const named: NamedMark = { protocol, address, port, lastPort, mark, family };
    return mark === undefined ? checkedAddressKey(call, named) : checkedMarkKey(call, named);
  });
}

function checkedAddressKey(call: string, key: NamedMark): ServiceIdentity {
  const protocol = choiceOption<Protocol>(`${call}: protocol`, key.protocol, protocols);
  const address = virtualAddressOption(`${call}: address`, key.address);
  const port = integerOption(`${call}: port`, key.port, 0, 65535);
  if (key.lastPort === undefined || key.lastPort === port) return { protocol, address, port };
  if (port === 0) refuse(`${call}: lastPort`, key.lastPort, 'none with port 0, which is every port');
  return { protocol, address, port, lastPort: integerOption(`${call}: lastPort`, key.lastPort, port, 65535) };
}

type NamedMark = { [Name in keyof ServiceIdentity]?: ServiceIdentity[Name] | undefined } & {
  family?: AddressFamily | undefined;
};

function checkedMarkKey(call: string, key: NamedMark): ServiceIdentity {
  const mark = integerOption(`${call}: mark`, key.mark, 1, MAX_UINT32);
  const named = typeof key.address === 'string' ? addressFamily(key.address) : undefined;
  const family = key.family ?? named ?? 4;
  if (family !== 4 && family !== 6) refuse(`${call}: family`, family, '4 or 6');
  const identity = markIdentity(mark, family);
  for (const name of ['protocol', 'address', 'port', 'lastPort'] as const) {
    if (key[name] !== undefined && key[name] !== identity[name])
      refuse(`${call}: ${name}`, key[name], 'none with a mark, whose rules say which packets have it');
  }
  return identity;
}

/** Returns the service of every packet of this mark and family. */
function markIdentity(mark: number, family: AddressFamily): ServiceIdentity {
  return { protocol: 'ip', address: family === 6 ? '::' : '0.0.0.0', port: 0, mark };
}

/**
 * Returns the canonical spelling of an address, or range of them, that can be virtual. Returns what is wrong otherwise,
 * as the end of a sentence that begins with the text.
 */
export function parseVirtualAddress(text: string): string | { mistake: string } {
  const prefix = parseUnicastPrefix(text, 'is not unicast: it is unspecified, multicast, broadcast or IPv4-mapped');
  const mistake = typeof prefix === 'string' ? whyNotRouted(splitPrefix(prefix).base) : prefix.mistake;
  return mistake === undefined ? prefix : { mistake };
}

function virtualAddressOption(name: string, value: unknown): string {
  if (typeof value !== 'string') return refuse(name, value, "an IP address such as '192.0.2.1'");
  const prefix = parseVirtualAddress(value);
  if (typeof prefix === 'string') return prefix;
  return refuse(name, value, 'a unicast address or a range of them', `it ${prefix.mistake}`);
}

export function nativeServiceKey({ protocol, address, port, lastPort, mark }: ServiceIdentity): NativeServiceKey {
  if (mark !== undefined) return { protocol: 0, address, port: 0, mark };
  const { base, length } = splitPrefix(address);
  return {
    protocol: protocolNumber(protocol as Protocol),
    address: base,
    port,
    ...(lastPort !== undefined && { lastPort }),
    ...(length !== undefined && { prefix: length }),
  };
}

export function serviceIdentity(key: NativeServiceKey): ServiceIdentity {
  const { protocol, address, port, lastPort, prefix, mark } = key;
  if (mark) return markIdentity(mark, prefixFamily(address));
  return {
    protocol: protocolName(protocol),
    address: prefix === undefined ? address : `${address}/${prefix}`,
    port,
    ...(lastPort && { lastPort }),
  };
}
