/** A real server's decapsulator. */

export interface NativeDecapsulatorOptions {
  /** The TUN device that inner packets are written to; it is created here and goes when closed. */
  device: string;
  /** Director addresses whose packets are accepted; may hold prefixes (`10.2.1.0/28`). */
  directors: string[];
  /** Virtual addresses that inner packets may be for. */
  virtualAddresses: string[];
  /** The encapsulations to accept: 'ipip', 'gue', 'gre'. */
  encapsulations: string[];
  /** UDP ports that GUE comes to; at least one when GUE is accepted. */
  guePorts: number[];
  /** Receives and writes several packets as one, where the kernel can. */
  usesOffloads: boolean;
  /** A program in the kernel takes apart what it can; making one throws where there can be none. */
  usesProgram: boolean;
}

/** The real server's side: receives tunnel packets from sockets and writes the inner packets to a TUN device. */
export interface NativeDecapsulator {
  readonly device: string;
  /** Says why it has stopped working; '' while it works. */
  readonly failure: string;
  /** The counts in the order of `native.decapCounters`. */
  readCounters(target: BigUint64Array): void;
  close(): void;
}
