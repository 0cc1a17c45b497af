/**
 * Compares what real servers and clients receive when packets come in fragments. IPVS sees packets put together again,
 * and a TUN device sees fragments, so only what arrives can be the same.
 */
import { GUE_PORT } from './golden-comparable.js';
import { checksum } from './packets.js';
import { type IpPacket, isFragment, kindOf, readIp, readTunnel, toldMtu } from './packets-read.js';

/** Whole packets that came out of a tunnel, as `real server: hex`, and answers, as `kind mtu > client`; sorted. */
export function whatArrives(packets: readonly Uint8Array[]): string[] {
  const inner = new Map<string, Uint8Array[]>();
  const arrived: string[] = [];
  for (const outer of reassemble(packets)) {
    const ip = readIp(outer);
    const tunnelled = ip && readTunnel(ip, GUE_PORT);
    if (tunnelled) inner.set(ip.destination, [...(inner.get(ip.destination) ?? []), tunnelled.inner]);
    else if (ip) arrived.push(`${kindOf(ip)} ${toldMtu(ip) ?? ''} > ${ip.destination}`);
  }
  for (const [server, fragments] of inner) {
    arrived.push(...reassemble(fragments).map((packet) => `${server}: ${Buffer.from(packet).toString('hex')}`));
  }
  return arrived.sort();
}

/** Returns packets that are not fragments, and those whose fragments are all there. */
export function reassemble(packets: readonly Uint8Array[]): Uint8Array[] {
  const groups = new Map<string, Uint8Array[]>();
  const whole: Uint8Array[] = [];
  for (const bytes of packets) {
    const ip = readIp(bytes);
    if (!ip || !isFragment(ip)) {
      whole.push(bytes);
      continue;
    }
    const key = `${ip.source} ${ip.destination} ${ip.protocol} ${ip.id}`;
    groups.set(key, [...(groups.get(key) ?? []), bytes]);
  }
  return [...whole, ...[...groups.values()].flatMap((group) => putTogether(group) ?? [])];
}

function putTogether(group: readonly Uint8Array[]): Uint8Array | undefined {
  const pieces = group
    .map((bytes) => ({ bytes, ip: readIp(bytes) as IpPacket }))
    .sort((left, right) => left.ip.fragmentOffset - right.ip.fragmentOffset);
  const first = pieces[0];
  if (!first) return undefined;
  const payload: number[] = [];
  for (const { ip } of pieces) {
    if (ip.fragmentOffset !== payload.length) return undefined;
    for (const byte of ip.payload) payload.push(byte);
  }
  if (pieces.at(-1)?.ip.mf) return undefined;
  return first.ip.version === 4 ? whole4(first.bytes, first.ip, payload) : whole6(first.bytes, first.ip, payload);
}

function whole4(first: Uint8Array, { headerBytes, df }: IpPacket, payload: readonly number[]): Uint8Array {
  const packet = Uint8Array.from([...first.slice(0, headerBytes), ...payload]);
  const view = new DataView(packet.buffer);
  view.setUint16(2, packet.length);
  view.setUint16(6, df ? 0x4000 : 0);
  view.setUint16(10, 0);
  view.setUint16(10, checksum(packet.subarray(0, headerBytes)));
  return packet;
}

/** REQUIRES: the fragment header follows the IPv6 header. */
function whole6(first: Uint8Array, { protocol }: IpPacket, payload: readonly number[]): Uint8Array {
  const packet = Uint8Array.from([...first.slice(0, 40), ...payload]);
  packet[6] = protocol;
  new DataView(packet.buffer).setUint16(4, payload.length);
  return packet;
}
