/** Says what of a capture was not replayed, or was not replayed as it was on the wire, and why. */
import type { NativePcapReader, NativePcapSkipped } from '../../native/pcap.js';

export interface Skipped extends NativePcapSkipped {
  /** Packets that were replayed although no link carries them: longer than the path MTU, or than their header says. */
  superFrames: number;
}

const MENDS: readonly [keyof Skipped, (count: number) => string][] = [
  ['notIp', (count) => `${records(count)} not IP (ARP and the like), and left out`],
  [
    'truncated',
    (count) => `${records(count)} cut short by the snapshot length, and left out: capture whole packets (tcpdump -s 0)`,
  ],
  ['oversized', (count) => `${records(count)} longer than an IP packet can be, and left out`],
  ['cutOff', () => 'the capture ends inside a record: it was cut off there, and everything before that is replayed'],
  [
    'superFrames',
    (count) =>
      `${count} packet${count === 1 ? ' is' : 's are'} longer than the path MTU, as GRO and TSO make them, and a ` +
      'director that reads single packets answers or drops them: capture with "ethtool -K ETH gro off gso off tso off"',
  ],
];

function records(count: number): string {
  return count === 1 ? '1 record is' : `${count} records are`;
}

/** Returns a sentence for each kind that the capture has. */
export function skippedSentences(skipped: Skipped): string[] {
  return MENDS.filter(([kind]) => skipped[kind] > 0).map(([kind, sentence]) => sentence(skipped[kind]));
}

export function skippedOf(reader: NativePcapReader, superFrames: number): Skipped {
  return { ...reader.skipped(), superFrames };
}

/** Offloads join TCP segments, and UDP datagrams of one flow, into packets that are longer than a link carries. */
export function isSuperFrame(packet: Uint8Array, mtuBytes: number): boolean {
  const [first = 0] = packet;
  const isSegments = [6, 17].includes((first >> 4 === 6 ? packet[6] : packet[9]) ?? 0);
  if (!isSegments) return false;
  if (packet.length > mtuBytes) return true;
  const length =
    first >> 4 === 6 ? ((packet[4] ?? 0) << 8) | (packet[5] ?? 0) : ((packet[2] ?? 0) << 8) | (packet[3] ?? 0);
  // The kernel writes 0 where the true length does not fit into the field.
  return length === 0 && packet.length > 40;
}
