/** Writes and reads captures without the native part, to check that against it. Classic pcap, microseconds. */
import { readFileSync, writeFileSync } from 'node:fs';

export const LINKTYPE_ETHERNET = 1;
export const LINKTYPE_RAW = 101;

export interface StampedPacket {
  /** Milliseconds since the epoch, whole. */
  atUs: number;
  data: Uint8Array;
}

/** With Ethernet, each packet gets a frame header of its own. */
export function writePcap(path: string, packets: readonly StampedPacket[], linkType = LINKTYPE_RAW): void {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(65535, 16);
  header.writeUInt32LE(linkType, 20);
  const records = packets.flatMap(({ atUs, data }) => {
    const frame =
      linkType === LINKTYPE_ETHERNET
        ? Buffer.concat([Buffer.from('020000000001020000000002', 'hex'), etherType(data), data])
        : data;
    const record = Buffer.alloc(16);
    record.writeUInt32LE(Math.floor(atUs / 1e6), 0);
    record.writeUInt32LE(atUs % 1e6, 4);
    record.writeUInt32LE(frame.length, 8);
    record.writeUInt32LE(frame.length, 12);
    return [record, frame];
  });
  writeFileSync(path, Buffer.concat([header, ...records]));
}

function etherType(packet: Uint8Array): Buffer {
  return Buffer.from((packet[0] ?? 0) >> 4 === 6 ? '86dd' : '0800', 'hex');
}

export function readPcap(path: string): { linkType: number; packets: StampedPacket[] } {
  const file = readFileSync(path);
  if (file.readUInt32LE(0) !== 0xa1b2c3d4)
    throw new Error(`${path} is no pcap of this host's byte order with microseconds`);
  const packets: StampedPacket[] = [];
  for (let at = 24; at < file.length; ) {
    const captured = file.readUInt32LE(at + 8);
    const atUs = file.readUInt32LE(at) * 1e6 + file.readUInt32LE(at + 4);
    packets.push({ atUs, data: new Uint8Array(file.subarray(at + 16, at + 16 + captured)) });
    at += 16 + captured;
  }
  return { linkType: file.readUInt32LE(20), packets };
}
