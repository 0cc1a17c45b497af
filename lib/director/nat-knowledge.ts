/** What a director knows of its NAT servers. */
import type { NatServer } from '../host/nat/nat-server.js';

export interface NatKnowledge {
  /** Those that it has, or had and has not forgotten. Returns none once it is closed. */
  known(): readonly NatServer[];
  /** Calls `run` now and then, until the returned function is called. */
  every(intervalMs: number, run: () => void): () => void;
}
