/** What the addon has for benchmarks alone: see native/binding/bench_binding.cc. */
import { native } from '../lib/native/addon.js';
import type { NativeEngine } from '../lib/native/engine.js';

export interface MemoryOptions {
  /** `established`: packets of connections that are there; `open`: the first packets of new ones. */
  workload: 'established' | 'open';
  /** Established before time is taken, [0, 2^26]. */
  connections: number;
  /** Timed; at most 2^26 for `open`. */
  packets: number;
  distribution: 'uniform' | 'zipf';
  /** [40, 1500] */
  packetBytes: number;
  scheduler: string;
  forwarding: string;
  /** [1, 10000], of weights 1, 2 and 3 times `weightFactor`. */
  servers: number;
  /** [1, 2^20] */
  weightFactor: number;
  /** Of the scheduler; 0: its own default. */
  tableSize: number;
  /** Of the scheduler, with the client's address: flows come from few addresses. */
  hashesPort: boolean;
  seed: number;
}

export interface MemoryRun {
  ns: bigint;
  packets: bigint;
  /** In the table afterwards. */
  connections: bigint;
  tableBytes: bigint;
  /** `open`: the first connections after the servers were configured, at most 65,536, and what they took. */
  first: bigint;
  firstNs: bigint;
  /** `open`: the scheduler's part alone, for flows that are not opened. */
  decisions: bigint;
  decisionNs: bigint;
  /** The transaction that added the service and its servers. */
  configureNs: bigint;
  /** What reading the clock added to `ns`, estimated; not taken off. */
  clockNs: bigint;
}

/** Times and rates are the table's own: nothing is lost because a machine is slow. */
export interface AttackOptions {
  flood: 'none' | 'syn' | 'established' | 'talking' | 'udp' | 'fragments' | 'persistent';
  /** Of the table, [2^16, 2^26]. */
  capacity: number;
  /** Connections that are there, each with a packet every half minute. */
  established: number;
  /** Clients who come, [250, 10^6]. */
  newPerSecond: number;
  /** The attacker's packets to those of the clients. */
  floodFactor: number;
  /** [1, 600] */
  seconds: number;
  seed: number;
}

export interface AttackRun {
  establishedSent: bigint;
  establishedForwarded: bigint;
  comers: bigint;
  /** Clients who came, and all of whose packets were forwarded. */
  comersServed: bigint;
  floodPackets: bigint;
  /** Of vectors of established connections' packets alone. */
  establishedNs: bigint;
  establishedTimed: bigint;
  /** Of all others. */
  floodNs: bigint;
  connections: bigint;
  evictedClosing: bigint;
  evictedUnproven: bigint;
  evictedIdle: bigint;
  refused: bigint;
}

export interface FloodOptions {
  interfaceName: string;
  destinationMac: string;
  virtualAddress: string;
  port: number;
  /** `tcp`: SYNs. */
  protocol: 'udp' | 'tcp';
  flows: number;
  packetBytes: number;
  durationMs: number;
  maxPackets: number;
  /** 0: as fast as the interface takes them. */
  packetsPerSecond: number;
}

export interface NullLoopOptions {
  /** Interface name. */
  device: string;
  queues: number;
  maxPacketBytes: number;
  egress: string;
  source: string;
  server: string;
}

export interface NullLoopReadings {
  device: string;
  egress: string;
  received: bigint;
  sent: bigint;
  userNs: bigint;
  systemNs: bigint;
}

export interface NullLoop {
  readings(): NullLoopReadings;
  close(): void;
}

export interface SynFloodOptions {
  virtualAddress: string;
  port: number;
  /** [1, 2^26] */
  connections: number;
  /** Connections under way, at most: sent by a client, and not yet on to a real server. */
  window: number;
}

interface NativeBench {
  /** One timed run; blocks. */
  memory(options: MemoryOptions): MemoryRun;
  /** One run of an attack; blocks. */
  attack(options: AttackOptions): AttackRun;
  /** Sends UDP datagrams or SYNs from addresses of nobody; blocks for the duration. */
  flood(options: FloodOptions): { packets: bigint; ns: bigint };
  /**
   * Starts a director, made for one worker, on SYNs of ever new connections; the function that it returns tells how many
   * went on, and, once all have, how long that took (0 before). Call it while the director is open.
   */
  synFlood(director: NativeEngine, options: SynFloodOptions): () => { sent: bigint; ns: bigint };
  NullLoop: new (options: NullLoopOptions) => NullLoop;
}

export const nativeBench: NativeBench = (native as unknown as { bench: NativeBench }).bench;
