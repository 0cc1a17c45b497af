/** Builds SCTP packets for tests: chunks by name, the CRC filled in. */
import type { IpOptions } from './packets.js';
import { endpoints, ip } from './packets.js';

const CHUNK_TYPES: Readonly<Record<string, number>> = {
  DATA: 0,
  INIT: 1,
  INIT_ACK: 2,
  SACK: 3,
  HEARTBEAT: 4,
  HEARTBEAT_ACK: 5,
  ABORT: 6,
  SHUTDOWN: 7,
  SHUTDOWN_ACK: 8,
  ERROR: 9,
  COOKIE_ECHO: 10,
  COOKIE_ACK: 11,
  SHUTDOWN_COMPLETE: 14,
};

export interface SctpOptions extends IpOptions {
  /** `address:port` of the client. */
  from: string;
  /** `address:port` that it writes to. */
  to: string;
  /** Chunk names with `+` between them: `COOKIE_ECHO+DATA`. */
  chunks: string;
  verificationTag?: number;
  /** The right CRC by default. */
  crc?: number;
}

export function sctp(options: SctpOptions): Uint8Array {
  const { source, destination, sourcePort, destinationPort } = endpoints(options);
  const body = options.chunks.split('+').map((name) => chunk(name));
  const packet = new Uint8Array(12 + body.reduce((sum, { length }) => sum + length, 0));
  const view = new DataView(packet.buffer);
  view.setUint16(0, sourcePort);
  view.setUint16(2, destinationPort);
  view.setUint32(4, options.verificationTag ?? (options.chunks.startsWith('INIT') ? 0 : 0x01020304));
  let at = 12;
  for (const each of body) {
    packet.set(each, at);
    at += each.length;
  }
  view.setUint32(8, options.crc ?? crc32c(packet), options.crc === undefined);
  return ip(source, destination, 132, packet, options);
}

/** Builds a chunk with a body of zeros, long enough for its type. */
function chunk(name: string): Uint8Array {
  const type = CHUNK_TYPES[name];
  if (type === undefined) throw new TypeError(`there is no SCTP chunk ${name}`);
  const bytes = new Uint8Array(20);
  bytes[0] = type;
  bytes[3] = bytes.length;
  return bytes;
}

/** Computes the CRC of RFC 9260, appendix A; it is sent with its low byte first. */
function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}
