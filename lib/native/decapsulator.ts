/** A real server's decapsulator. */

export interface NativeDecapsulatorOptions {
  /** TUN device that inner packets are written to; created, and gone when closed. */
  device: string;
  /** Director addresses whose packets are taken; may hold prefixes (`10.2.1.0/28`). */
  directors: string[];
  /** Virtual addresses that inner packets may be for. */
  virtualAddresses: string[];
  /** Which to take packets out of: 'ipip', 'gue', 'gre'. */
  encapsulations: string[];
  /** UDP ports that GUE comes to; at least one when it is taken. */
  guePorts: number[];
}

/** The real server's side: takes tunnel packets from sockets, writes the inner packets to a TUN device. */
export interface NativeDecapsulator {
  readonly device: string;
  /** Why it takes nothing apart any more; '' while it does. */
  readonly failure: string;
  /** In the order of `native.decapCounters`. */
  readCounters(target: BigUint64Array): void;
  close(): void;
}
