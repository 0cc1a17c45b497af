/**
 * Builds packets for tests from words: `tcp({ from: '172.16.0.1:1024', to: '192.0.2.1:80', flags: 'S' })`, or
 * `from: '[2001:db8::7]:1024'`. Lengths and checksums are filled in; `patch` makes them wrong again.
 */
import { addressBytes, parseEndpoint } from '../../lib/values/inet.js';

export interface IpOptions {
  /** TTL or hop limit. */
  ttl?: number;
  /** DSCP and ECN as one byte: type of service or traffic class. */
  tos?: number;
  /** The id of the IPv6 fragment header, which a packet gets with `mf` or `fragmentOffset`. */
  id?: number;
  /** Don't fragment; IPv4. */
  df?: boolean;
  /** More fragments follow. */
  mf?: boolean;
  /** Bytes, a multiple of 8. */
  fragmentOffset?: number;
  /** IP options, a multiple of 4 bytes; IPv4. */
  options?: Uint8Array;
  /** IPv6. */
  flowLabel?: number;
  /** IPv6 extension headers, each by its type and whole; its first byte is filled in. */
  extensions?: readonly [type: number, header: Uint8Array][];
}

interface TransportOptions extends IpOptions {
  /** `address:port` of the client. */
  from: string;
  /** `address:port` that it writes to. */
  to: string;
  payload?: Uint8Array | string;
}

export interface TcpOptions extends TransportOptions {
  /** Letters of S A F R P U E C; '' is none. */
  flags?: string;
  /** Default: 1000 for a SYN, 1001 otherwise. */
  sequence?: number;
  acknowledgment?: number;
  window?: number;
}

const TCP_FLAGS: Record<string, number> = { F: 1, S: 2, R: 4, P: 8, A: 16, U: 32, E: 64, C: 128 };

export function tcp(options: TcpOptions): Uint8Array {
  const { flags = 'S', window = 64240, payload = '' } = options;
  const sequence = options.sequence ?? (flags.includes('S') ? 1000 : 1001);
  const acknowledgment = options.acknowledgment ?? (flags.includes('A') ? 5001 : 0);
  const data = toBytes(payload);
  const segment = new Uint8Array(20 + data.length);
  const view = new DataView(segment.buffer);
  const { source, destination, sourcePort, destinationPort } = endpoints(options);
  view.setUint16(0, sourcePort);
  view.setUint16(2, destinationPort);
  view.setUint32(4, sequence);
  view.setUint32(8, acknowledgment);
  view.setUint8(12, 5 << 4);
  view.setUint8(
    13,
    [...flags].reduce((bits, flag) => bits | (TCP_FLAGS[flag] ?? 0), 0),
  );
  view.setUint16(14, window);
  segment.set(data, 20);
  view.setUint16(16, transportChecksum(source, destination, 6, segment));
  return ip(source, destination, 6, segment, options);
}

export function udp(options: TransportOptions): Uint8Array {
  const data = toBytes(options.payload ?? '');
  const datagram = new Uint8Array(8 + data.length);
  const view = new DataView(datagram.buffer);
  const { source, destination, sourcePort, destinationPort } = endpoints(options);
  view.setUint16(0, sourcePort);
  view.setUint16(2, destinationPort);
  view.setUint16(4, datagram.length);
  datagram.set(data, 8);
  view.setUint16(6, transportChecksum(source, destination, 17, datagram) || 0xffff);
  return ip(source, destination, 17, datagram, options);
}

export interface IcmpOptions extends IpOptions {
  from: string;
  to: string;
  type: number;
  code?: number;
  /** The four bytes after the checksum: MTU, identifier and sequence, ... */
  rest?: number;
  /** Echo data, or the packet complained about. */
  payload?: Uint8Array | string;
}

/** Builds ICMP between IPv4 addresses, ICMPv6 between IPv6 ones. */
export function icmp(options: IcmpOptions): Uint8Array {
  const { type, code = 0, rest = 0 } = options;
  const source = address(options.from);
  const destination = address(options.to);
  const data = toBytes(options.payload ?? '');
  const message = new Uint8Array(8 + data.length);
  const view = new DataView(message.buffer);
  view.setUint8(0, type);
  view.setUint8(1, code);
  view.setUint32(4, rest);
  message.set(data, 8);
  const protocol = source.length === 4 ? 1 : 58;
  view.setUint16(2, protocol === 1 ? checksum(message) : transportChecksum(source, destination, protocol, message));
  return ip(source, destination, protocol, message, options);
}

/** Builds a packet of any protocol. */
export function ip4(
  from: string,
  to: string,
  protocol: number,
  payload: Uint8Array,
  options: IpOptions = {},
): Uint8Array {
  return ip(address(from), address(to), protocol, payload, options);
}

/** Returns `packet` with `bytes` written over it at `offset`; a changed IP header keeps its old checksum. */
export function patch(packet: Uint8Array, offset: number, ...bytes: number[]): Uint8Array {
  const changed = packet.slice();
  changed.set(bytes, offset);
  return changed;
}

/** Returns `packet` as a router passes it on: TTL or hop limit one lower, IPv4 header checksum mended. */
export function routed(packet: Uint8Array): Uint8Array {
  const passed = packet.slice();
  if ((packet[0] ?? 0) >> 4 === 6) {
    passed[7] = (passed[7] ?? 0) - 1;
    return passed;
  }
  passed[8] = (passed[8] ?? 0) - 1;
  // RFC 1624: the TTL is the high byte of its 16-bit word, so the sum falls by 0x0100 and its complement rises by it.
  const view = new DataView(passed.buffer);
  const raised = view.getUint16(10) + 0x0100;
  view.setUint16(10, (raised & 0xffff) + (raised >> 16));
  return passed;
}

export const toHex = (packet: Uint8Array): string => Buffer.from(packet).toString('hex');
export const fromHex = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex.replace(/\s+/g, ''), 'hex'));

/** What the header of a tunnel packet says, and the packet in it. */
export interface TunnelPacket {
  source: string;
  destination: string;
  protocol: number;
  inner: Uint8Array;
}

/** REQUIRES: an IPv4 packet without options. */
export function readOuter(packet: Uint8Array): TunnelPacket {
  return {
    source: packet.slice(12, 16).join('.'),
    destination: packet.slice(16, 20).join('.'),
    protocol: packet[9] ?? 0,
    inner: packet.slice(20),
  };
}

/** Computes the Internet checksum (RFC 1071); it is 0 over bytes that hold a right one. */
export function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** REQUIRES: both addresses of one family, 4 or 16 bytes. */
export function ip(
  source: Uint8Array,
  destination: Uint8Array,
  protocol: number,
  payload: Uint8Array,
  options: IpOptions,
): Uint8Array {
  if (source.length !== destination.length) throw new TypeError('a packet has addresses of one family');
  const build = source.length === 4 ? buildIp4 : buildIp6;
  return build(source, destination, protocol, payload, options);
}

function buildIp4(
  source: Uint8Array,
  destination: Uint8Array,
  protocol: number,
  payload: Uint8Array,
  options: IpOptions,
): Uint8Array {
  const {
    ttl = 64,
    tos = 0,
    id = 1,
    df = true,
    mf = false,
    fragmentOffset = 0,
    options: extra = new Uint8Array(),
  } = options;
  const headerBytes = 20 + extra.length;
  const packet = new Uint8Array(headerBytes + payload.length);
  const view = new DataView(packet.buffer);
  view.setUint8(0, (4 << 4) | (headerBytes / 4));
  view.setUint8(1, tos);
  view.setUint16(2, packet.length);
  view.setUint16(4, id);
  view.setUint16(6, (df ? 0x4000 : 0) | (mf ? 0x2000 : 0) | (fragmentOffset / 8));
  view.setUint8(8, ttl);
  view.setUint8(9, protocol);
  packet.set(source, 12);
  packet.set(destination, 16);
  packet.set(extra, 20);
  view.setUint16(10, checksum(packet.subarray(0, headerBytes)));
  packet.set(payload, headerBytes);
  return packet;
}

const FRAGMENT_HEADER = 44;

function buildIp6(
  source: Uint8Array,
  destination: Uint8Array,
  protocol: number,
  payload: Uint8Array,
  options: IpOptions,
): Uint8Array {
  const { ttl = 64, tos = 0, id = 1, mf = false, fragmentOffset = 0, flowLabel = 0 } = options;
  const extensions = [...(options.extensions ?? [])];
  if (mf || fragmentOffset > 0) {
    const header = new Uint8Array(8);
    new DataView(header.buffer).setUint16(2, fragmentOffset | (mf ? 1 : 0));
    new DataView(header.buffer).setUint32(4, id);
    extensions.push([FRAGMENT_HEADER, header]);
  }
  const chain = extensions.flatMap(([, header], at) => [extensions[at + 1]?.[0] ?? protocol, ...header.slice(1)]);
  const packet = new Uint8Array(40 + chain.length + payload.length);
  const view = new DataView(packet.buffer);
  view.setUint32(0, (6 << 28) | (tos << 20) | flowLabel);
  view.setUint16(4, packet.length - 40);
  view.setUint8(6, extensions[0]?.[0] ?? protocol);
  view.setUint8(7, ttl);
  packet.set(source, 8);
  packet.set(destination, 24);
  packet.set(chain, 40);
  packet.set(payload, 40 + chain.length);
  return packet;
}

export function transportChecksum(
  source: Uint8Array,
  destination: Uint8Array,
  protocol: number,
  segment: Uint8Array,
): number {
  const { length } = segment;
  const pseudoHeader = [...source, ...destination, 0, protocol, length >> 8, length & 0xff];
  return checksum(Uint8Array.from([...pseudoHeader, ...segment]));
}

/** Returns `from` and `to` as addresses and ports. */
export function endpoints({ from, to }: { from: string; to: string }) {
  const client = endpoint(from);
  const server = endpoint(to);
  return {
    source: address(client.address),
    destination: address(server.address),
    sourcePort: client.port,
    destinationPort: server.port,
  };
}

function endpoint(text: string): { address: string; port: number } {
  const parsed = parseEndpoint(text);
  if ('mistake' in parsed || parsed.port === undefined) throw new TypeError(`${text} is no address:port`);
  return { address: parsed.address, port: parsed.port };
}

function address(text: string): Uint8Array {
  const bytes = addressBytes(text);
  if (!bytes) throw new TypeError(`${text} is no IP address`);
  return bytes;
}

function toBytes(payload: Uint8Array | string): Uint8Array {
  return typeof payload === 'string' ? new TextEncoder().encode(payload) : payload;
}
