/** Capture files. */

export interface NativePcapSkipped {
  /** ARP and the like. */
  notIp: number;
  /** Captured with a snapshot length shorter than the packet. */
  truncated: number;
  /** Longer than an IP packet can be. */
  oversized: number;
  cutOff: number;
}

export interface NativePcapReader {
  /** DLT number: 101 RAW, 1 EN10MB. */
  readonly linkType: number;
  /**
   * Up to `max` IP packets (link headers stripped) with their absolute times in milliseconds; undefined at the end.
   * Throws where the file is cut off or damaged, once all packets before that were given.
   */
  next(max: number): { packets: Uint8Array[]; timesMs: Float64Array } | undefined;
  /** Records that gave no packet so far, by reason; `cutOff`: 1 where the file ends within a record. */
  skipped(): NativePcapSkipped;
  close(): void;
}

export interface NativePcapWriter {
  /** Link type RAW, microsecond timestamps. */
  write(packets: Uint8Array[], timesMs: Float64Array): void;
  close(): void;
}
