/** Reads and writes capture files. */

export interface NativePcapSkipped {
  /** Records of ARP and the like. */
  notIp: number;
  /** Records captured with a snapshot length shorter than the packet. */
  truncated: number;
  /** Records longer than an IP packet can be. */
  oversized: number;
  cutOff: number;
}

export interface NativePcapReader {
  /** DLT number: 101 RAW, 1 EN10MB. */
  readonly linkType: number;
  /**
   * Returns up to `max` IP packets (link headers stripped) with their absolute times in milliseconds, undefined at the
   * end. Throws where the file is cut off or damaged, after it has returned all earlier packets.
   */
  next(max: number): { packets: Uint8Array[]; timesMs: Float64Array } | undefined;
  /** Counts the records that gave no packet so far, by reason; `cutOff` is 1 where the file ends inside a record. */
  skipped(): NativePcapSkipped;
  close(): void;
}

export interface NativePcapWriter {
  /** Writes link type RAW with microsecond timestamps. */
  write(packets: Uint8Array[], timesMs: Float64Array): void;
  close(): void;
}
