/** Whom a mend is for. */
import type { ForwardingMethod } from '../../values/forwarding-method.js';

/** The real server and how packets get to it. */
export interface Subject {
  /** The real server's own address (RIP). */
  readonly address: string;
  readonly forwarding: ForwardingMethod;
  /** 0 unless the method has a port. */
  readonly tunnelPort: number;
  /** Where it gets packets that are rewritten; 0 stands for the port that a packet has. */
  readonly serverPort: number;
  /** VIP */
  readonly virtualAddress: string;
  /** Director addresses (DIP). */
  readonly directors: readonly string[];
}
