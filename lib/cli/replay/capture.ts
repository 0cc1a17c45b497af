/** Reads a capture in pieces, with times on the capture's own clock: 0 is its first packet. */
import { wrapNative } from '../../values/errors.js';
import type { Native } from '../../native/addon.js';
import type { NativePcapReader } from '../../native/pcap.js';
import { reading, writing } from '../files.js';

export interface CapturePiece {
  /**
   * The number of the first of them in the file, from 1, where records that gave no packet count too: Wireshark's. That
   * holds for pieces of one packet; in a longer one, records that were left out among its packets count as before it.
   */
  firstRecord: number;
  packets: Uint8Array[];
  /**
   * Times since the first packet. They never go back: a packet stamped earlier than one before it takes that one's
   * time.
   */
  clockMs: Float64Array;
  /** Times as stamped, since the epoch. */
  stampedMs: Float64Array;
}

const PIECE_PACKETS = 4096;

type Captures = Pick<Native, 'PcapReader' | 'PcapWriter'>;

/** Opens the capture that `--in` names. */
export function openCapture({ PcapReader }: Captures, file: string): Promise<NativePcapReader> {
  const mend = 'name a capture, as tcpdump -w FILE writes it';
  return reading({ option: '--in', file, mend }, () => wrapNative(() => new PcapReader(file)));
}

export interface CaptureWriter {
  write(packets: Uint8Array[], timesMs: Float64Array): Promise<void>;
  close(): Promise<void>;
}

/** Begins the capture that `--out` names. */
export async function createCapture({ PcapWriter }: Captures, file: string): Promise<CaptureWriter> {
  const write = <T>(use: () => T) =>
    writing({ option: '--out', file, mend: 'name a file in a folder of yours' }, () => wrapNative(use));
  const writer = await write(() => new PcapWriter(file));
  return {
    write: (packets, timesMs) => write(() => writer.write(packets, timesMs)),
    close: () => write(() => writer.close()),
  };
}

export function* readCapture(reader: NativePcapReader, piecePackets = PIECE_PACKETS): Generator<CapturePiece> {
  let firstMs: number | undefined;
  let reachedMs = 0;
  let read = 0;
  for (;;) {
    const piece = nextPiece(reader, piecePackets);
    if (!piece) return;
    const { packets, timesMs } = piece;
    if (packets.length === 0) continue;
    const startMs = firstMs ?? (timesMs[0] as number);
    firstMs = startMs;
    const clockMs = timesMs.map((timeMs) => {
      reachedMs = Math.max(reachedMs, toMicroseconds(timeMs - startMs));
      return reachedMs;
    });
    read += packets.length;
    const firstRecord = read + leftOut(reader) - packets.length + 1;
    yield { firstRecord, packets, clockMs, stampedMs: timesMs };
  }
}

function leftOut(reader: NativePcapReader): number {
  const { notIp, truncated, oversized } = reader.skipped();
  return notIp + truncated + oversized;
}

/** A capture that is cut off ends there; one that is damaged is an error, behind all that came before. */
function nextPiece(reader: NativePcapReader, packets: number): ReturnType<NativePcapReader['next']> {
  try {
    return wrapNative(() => reader.next(packets));
  } catch (error) {
    if (reader.skipped().cutOff > 0) return undefined;
    throw error;
  }
}

/** A double holds milliseconds since the epoch to a quarter of a microsecond; captures have whole microseconds. */
function toMicroseconds(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}
