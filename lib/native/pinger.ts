/** Echo requests of ICMP and ICMPv6. */

export interface NativePingOutcome {
  /** The number that ping() has returned. */
  ping: number;
  isAnswered: boolean;
  /** Of an error. */
  errno?: number;
  /** Who has said that error by ICMP, and how. */
  icmp?: { type: number; code: number; from: string };
}

/** The pings of one environment; a thread waits for what comes of them. */
export interface NativePinger {
  /**
   * Sends an echo request, and returns its number. Throws ERR_TUNVS_PERMISSION when this process may not ping, and what
   * the kernel says of a way that it has not got.
   *
   * @param identifier - [0, 65535]; the kernel chooses another where a datagram socket is had.
   */
  ping(address: string, identifier: number, payload: Uint8Array): number;
  /** Ends a ping; what has become of it is not told. */
  cancel(ping: number): void;
  /** Ends all pings. */
  close(): void;
}
