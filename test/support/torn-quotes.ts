/** Writes ICMP errors as text on which two stacks must agree. */
import { readIp } from './packets-read.js';

/** Takes the header and eight bytes, as RFC 792 requires: a host may cut what UDP's own length leaves out. */
const QUOTED_BYTES = { 4: 28, 6: 48 };

/** Returns undefined for what is not an error. */
export function formatQuote(packet: Uint8Array): string | undefined {
  const ip = readIp(packet);
  if (!ip) return undefined;
  const [type = 0, code = 0] = ip.payload;
  const isError = (ip.protocol === 1 && [3, 4, 5, 11, 12].includes(type)) || (ip.protocol === 58 && type < 128);
  if (!isError) return undefined;
  const [rest, quote] = [ip.payload.slice(4, 8), ip.payload.slice(8, 8 + QUOTED_BYTES[ip.version])].map((bytes) =>
    Buffer.from(bytes).toString('hex'),
  );
  return `${ip.version} ${type}/${code} ${rest} ${ip.source} > ${ip.destination} about ${quote}`;
}
