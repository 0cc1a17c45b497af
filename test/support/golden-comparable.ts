/**
 * Makes recorded packets and ours comparable: blanks what no two runs of IPVS have in common, and nothing else. A
 * checksum over what is blanked is blanked only where it is right.
 */
import { checksum, routed, transportChecksum } from './packets.js';
import { IP_PROTOCOLS, isFragment, readIp } from './packets-read.js';
import { addressBytes } from '../../lib/values/inet.js';

/** The UDP port of the recordings' GUE tunnels. */
export const GUE_PORT = 6080;

/**
 * Blanks the outer id where DF is clear, the id of an IPv6 fragment, a GUE tunnel's source port, and the flow label of
 * packets that the director makes itself. An id becomes the number of the packet that the fragment belongs to, so that
 * two packets whose fragments share an id still differ.
 */
export function comparable(packets: readonly Uint8Array[]): Uint8Array[] {
  const fragmented = new Map<string, number>();
  return packets.map((bytes) => {
    const copy = bytes.slice();
    const ip = readIp(copy);
    if (!ip) return copy;
    const { source, destination, protocol, id, idAt, idBytes, version, df } = ip;
    const hasRightChecksum = version === 4 && checksum(copy.subarray(0, ip.headerBytes)) === 0;
    let number = 0;
    if (isFragment(ip)) {
      const key = `${source} ${destination} ${protocol} ${id}`;
      number = fragmented.get(key) ?? fragmented.size + 1;
      fragmented.set(key, number);
    }
    if (idAt !== undefined && (version === 6 || !df)) {
      copy.fill(0, idAt, idAt + idBytes);
      copy[idAt + idBytes - 1] = number;
    }
    if (hasRightChecksum) copy.fill(0, 10, 12);
    const isOwn = protocol === IP_PROTOCOLS.icmp6 || protocol === IP_PROTOCOLS.tcp;
    if (version === 6 && isOwn) {
      copy[1] = (copy[1] ?? 0) & 0xf0;
      copy.fill(0, 2, 4);
    }
    if (protocol === IP_PROTOCOLS.udp && ip.fragmentOffset === 0) blankGuePort(copy.subarray(ip.headerBytes));
    return copy;
  });
}

/** The checksum becomes what it would be with port 0. */
function blankGuePort(datagram: Uint8Array): void {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  if (datagram.length < 8 || view.getUint16(2) !== GUE_PORT) return;
  const port = view.getUint16(0);
  const sum = view.getUint16(6);
  view.setUint16(0, 0);
  if (sum === 0) return;
  // RFC 1624, equation 3, from `port` to 0.
  const mended = (~sum & 0xffff) + (~port & 0xffff);
  view.setUint16(6, ~((mended & 0xffff) + (mended >> 16)) & 0xffff || 0xffff);
}

/**
 * Returns a recorded answer as it is when the question has passed one more router: the quoted part of `question` has a
 * TTL that is one lower. Answers that quote the packet after IPVS has lowered its TTL stay as they are.
 */
export function asFromDevice(answer: Uint8Array, question: Uint8Array): Uint8Array {
  const ip = readIp(answer);
  const isIcmp = ip?.protocol === IP_PROTOCOLS.icmp || ip?.protocol === IP_PROTOCOLS.icmp6;
  if (!ip || !isIcmp || ip.payload.length < 28) return answer;
  const quote = ip.payload.subarray(8);
  if (Buffer.compare(quote, question.subarray(0, quote.length)) !== 0) return answer;
  const message = ip.payload.slice();
  message.set(routed(question).subarray(0, quote.length), 8);
  message.fill(0, 2, 4);
  const [source, destination] = [ip.source, ip.destination].map((text) => addressBytes(text) as Uint8Array);
  const sum =
    ip.version === 4
      ? checksum(message)
      : transportChecksum(source as Uint8Array, destination as Uint8Array, ip.protocol, message);
  new DataView(message.buffer).setUint16(2, sum);
  const changed = answer.slice();
  changed.set(message, ip.headerBytes);
  return changed;
}
