/** Takes packets apart, to compare them and to say what they are. It reads what is there and checks nothing. */
import { formatAddress } from '../../lib/values/inet.js';
import { checksum } from './packets.js';

/** The protocols that packets here carry. */
export const IP_PROTOCOLS = { icmp: 1, ipip: 4, tcp: 6, udp: 17, ipv6: 41, gre: 47, icmp6: 58, sctp: 132 } as const;

const FRAGMENT_HEADER = 44;
/** Hop-by-hop, routing and destination options: next header, length in 8 bytes beyond the first 8, ... */
const SKIPPED_HEADERS = [0, 43, 60];

export interface IpPacket {
  version: 4 | 6;
  source: string;
  destination: string;
  /** TTL or hop limit. */
  ttl: number;
  /** Type of service or traffic class. */
  tos: number;
  /** The protocol that follows the headers. */
  protocol: number;
  /** The id of the IPv4 header, or of the IPv6 fragment header. */
  id: number;
  /** The place of that id, and its bytes; IPv6 without a fragment header has none. */
  idAt: number | undefined;
  idBytes: 2 | 4;
  df: boolean;
  mf: boolean;
  /** Bytes. */
  fragmentOffset: number;
  /** IPv4 header with options; IPv6 header with the extension headers before `protocol`. */
  headerBytes: number;
  /** As the header says it. */
  totalBytes: number;
  payload: Uint8Array;
}

/** Returns undefined where the bytes do not begin with a whole IP header. */
export function readIp(bytes: Uint8Array): IpPacket | undefined {
  const version = (bytes[0] ?? 0) >> 4;
  if (version === 4 && bytes.length >= 20) return readIp4(bytes);
  return version === 6 && bytes.length >= 40 ? readIp6(bytes) : undefined;
}

export function isFragment({ mf, fragmentOffset }: IpPacket): boolean {
  return mf || fragmentOffset > 0;
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function readIp4(bytes: Uint8Array): IpPacket {
  const view = viewOf(bytes);
  const headerBytes = (view.getUint8(0) & 15) * 4;
  const totalBytes = view.getUint16(2);
  const flags = view.getUint16(6);
  return {
    version: 4,
    source: formatAddress(bytes.slice(12, 16)),
    destination: formatAddress(bytes.slice(16, 20)),
    ttl: view.getUint8(8),
    tos: view.getUint8(1),
    protocol: view.getUint8(9),
    id: view.getUint16(4),
    idAt: 4,
    idBytes: 2,
    df: (flags & 0x4000) !== 0,
    mf: (flags & 0x2000) !== 0,
    fragmentOffset: (flags & 0x1fff) * 8,
    headerBytes,
    totalBytes,
    payload: bytes.slice(headerBytes, totalBytes),
  };
}

function readIp6(bytes: Uint8Array): IpPacket {
  const view = viewOf(bytes);
  const totalBytes = 40 + view.getUint16(4);
  const packet: IpPacket = {
    version: 6,
    source: formatAddress(bytes.slice(8, 24)),
    destination: formatAddress(bytes.slice(24, 40)),
    ttl: view.getUint8(7),
    tos: (view.getUint16(0) >> 4) & 0xff,
    protocol: view.getUint8(6),
    id: 0,
    idAt: undefined,
    idBytes: 4,
    df: true,
    mf: false,
    fragmentOffset: 0,
    headerBytes: 40,
    totalBytes,
    payload: bytes,
  };
  for (let at = 40; at + 8 <= bytes.length; ) {
    if (SKIPPED_HEADERS.includes(packet.protocol)) {
      packet.protocol = view.getUint8(at);
      at += 8 * (view.getUint8(at + 1) + 1);
    } else if (packet.protocol === FRAGMENT_HEADER) {
      packet.protocol = view.getUint8(at);
      packet.fragmentOffset = view.getUint16(at + 2) & 0xfff8;
      packet.mf = (view.getUint16(at + 2) & 1) !== 0;
      packet.idAt = at + 4;
      packet.id = view.getUint32(at + 4);
      at += 8;
    } else {
      break;
    }
    packet.headerBytes = at;
    if (packet.fragmentOffset > 0) break;
  }
  packet.payload = bytes.slice(packet.headerBytes, totalBytes);
  return packet;
}

/** What a tunnel packet carries. */
export interface Tunnelled {
  tunnel: 'ipip' | 'gue' | 'gre';
  inner: Uint8Array;
}

/**
 * `guePort` is where GUE goes to. Returns undefined for a packet that is not a tunnel's, or a later fragment of one.
 */
export function readTunnel(packet: IpPacket, guePort?: number): Tunnelled | undefined {
  const { protocol, payload } = packet;
  if (packet.fragmentOffset > 0 || payload.length < 4) return undefined;
  if (protocol === IP_PROTOCOLS.ipip || protocol === IP_PROTOCOLS.ipv6) return { tunnel: 'ipip', inner: payload };
  if (protocol === IP_PROTOCOLS.gre) {
    const hasChecksum = ((payload[0] ?? 0) & 0x80) !== 0;
    return { tunnel: 'gre', inner: payload.slice(hasChecksum ? 8 : 4) };
  }
  const isGue = protocol === IP_PROTOCOLS.udp && payload.length >= 12 && viewOf(payload).getUint16(2) === guePort;
  return isGue ? { tunnel: 'gue', inner: payload.slice(12 + 4 * ((payload[8] ?? 0) & 31)) } : undefined;
}

const ICMP_NAMES: Readonly<Record<string, string>> = {
  '1 0/0': 'icmp echo-reply',
  '1 8/0': 'icmp echo-request',
  '1 3/0': 'icmp net-unreachable',
  '1 3/1': 'icmp host-unreachable',
  '1 3/2': 'icmp protocol-unreachable',
  '1 3/3': 'icmp port-unreachable',
  '1 3/4': 'icmp frag-needed',
  '1 11/0': 'icmp ttl-exceeded',
  '58 128/0': 'icmp6 echo-request',
  '58 129/0': 'icmp6 echo-reply',
  '58 1/4': 'icmp6 port-unreachable',
  '58 2/0': 'icmp6 too-big',
  '58 3/0': 'icmp6 hop-limit',
};

/** TCP's flags, in the order of their bits. */
const TCP_LETTERS = 'FSRPAUEC';

/** Names a packet in the words of the recordings: `tcp RA`, `icmp port-unreachable`, `udp`. */
export function kindOf({ protocol, payload, fragmentOffset }: IpPacket): string {
  const name = Object.entries(IP_PROTOCOLS).find(([, number]) => number === protocol)?.[0] ?? `protocol ${protocol}`;
  if (fragmentOffset > 0) return name;
  if (protocol === IP_PROTOCOLS.icmp || protocol === IP_PROTOCOLS.icmp6) {
    const typeAndCode = `${payload[0]}/${payload[1]}`;
    return ICMP_NAMES[`${protocol} ${typeAndCode}`] ?? `${name} ${typeAndCode}`;
  }
  if (protocol !== IP_PROTOCOLS.tcp) return name;
  const flags = [...TCP_LETTERS].filter((_, bit) => ((payload[13] ?? 0) & (1 << bit)) !== 0);
  return `tcp ${flags.join('')}`;
}

/** Returns the size that an ICMP error tells the client, undefined for a packet that tells none. */
export function toldMtu(packet: IpPacket): number | undefined {
  if (packet.fragmentOffset > 0 || packet.payload.length < 8) return undefined;
  if (kindOf(packet) === 'icmp frag-needed') return viewOf(packet.payload).getUint16(6);
  return kindOf(packet) === 'icmp6 too-big' ? viewOf(packet.payload).getUint32(4) : undefined;
}

/** Describes a packet and those in it in a sentence, for a test that fails. */
export function describePacket(bytes: Uint8Array): string {
  const packet = readIp(bytes);
  if (!packet) return `${bytes.length} bytes that are no IP packet`;
  const { source, destination, ttl, tos, id, idAt, df, mf, fragmentOffset, protocol, payload } = packet;
  const view = viewOf(payload);
  const hasPorts = [IP_PROTOCOLS.tcp, IP_PROTOCOLS.udp, IP_PROTOCOLS.sctp].some((each) => each === protocol);
  const mtu = toldMtu(packet);
  const words = [
    kindOf(packet),
    mtu !== undefined && `mtu ${mtu}`,
    `${source} > ${destination}`,
    hasPorts && fragmentOffset === 0 && payload.length >= 4 && `ports ${view.getUint16(0)} > ${view.getUint16(2)}`,
    `ttl ${ttl}`,
    tos > 0 && `tos 0x${tos.toString(16)}`,
    idAt !== undefined && `id ${id}`,
    packet.version === 4 && df && 'DF',
    (mf || fragmentOffset > 0) && `fragment ${fragmentOffset}${mf ? '+' : ''}`,
    `${bytes.length} bytes`,
    packet.totalBytes !== bytes.length && `(its header says ${packet.totalBytes})`,
    packet.version === 4 && checksum(bytes.slice(0, packet.headerBytes)) !== 0 && 'BAD HEADER CHECKSUM',
  ].filter((word) => word !== false);
  const within = innerOf(packet);
  return words.join(' ') + (within ? ` [ ${describePacket(within)} ]` : '');
}

/** Returns what a tunnel packet carries or an ICMP error quotes. */
function innerOf(packet: IpPacket): Uint8Array | undefined {
  const { protocol, payload, fragmentOffset } = packet;
  if (fragmentOffset > 0) return undefined;
  const type = payload[0] ?? 0;
  const isError =
    (protocol === IP_PROTOCOLS.icmp && [3, 4, 5, 11, 12].includes(type)) ||
    (protocol === IP_PROTOCOLS.icmp6 && type < 128);
  return isError ? payload.slice(8) : readTunnel(packet)?.inner;
}
