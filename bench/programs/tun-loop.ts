/**
 * The least that a director in JavaScript can do: it reads packets from the TUN device at descriptor 3, chooses a server
 * by the client's port, and writes them back in IPIP. Its argument is TunLoopOptions in JSON. It ends by a signal.
 */
import { readSync, writeSync } from 'node:fs';

export interface TunLoopOptions {
  source: string;
  servers: string[];
}

const DEVICE = 3;
const HEADER_BYTES = 20;
const MAX_PACKET_BYTES = 65_535;
const IPIP = 4;

const { source, servers } = JSON.parse(process.argv[2] ?? '{}') as TunLoopOptions;
const headers = servers.map((server) => headerTo(server));

/** Returns the outer header for a packet of 0 bytes. */
function headerTo(server: string): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.set([0x45, 0, 0, HEADER_BYTES, 0, 0, 0x40, 0, 64, IPIP]);
  header.set(source.split('.').map(Number), 12);
  header.set(server.split('.').map(Number), 16);
  return header;
}

function checksum(header: Buffer): number {
  let sum = 0;
  for (let at = 0; at < HEADER_BYTES; at += 2) sum += header.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

const buffer = Buffer.alloc(HEADER_BYTES + MAX_PACKET_BYTES);
console.log('ready');
for (;;) {
  const bytes = readSync(DEVICE, buffer, HEADER_BYTES, MAX_PACKET_BYTES, null);
  // Only IPv4 with a port is passed on.
  if (bytes < HEADER_BYTES + 4 || buffer[HEADER_BYTES] !== 0x45) continue;
  const header = headers[buffer.readUInt16BE(2 * HEADER_BYTES) % headers.length] as Buffer;
  header.copy(buffer);
  buffer.writeUInt16BE(HEADER_BYTES + bytes, 2);
  buffer.writeUInt16BE(checksum(buffer), 10);
  writeSync(DEVICE, buffer, 0, HEADER_BYTES + bytes);
}
