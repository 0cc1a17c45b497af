/** The part of the addon that exists for benchmarks only; see native/binding/bench_binding.cc. */
import { native } from '../lib/native/addon.js';
import type { NativeEngine } from '../lib/native/engine.js';

export interface MemoryOptions {
  /**
   * `established` sends packets of existing connections, `open` the first packets of new ones, and `reply` packets of
   * existing connections' servers; that wants a forwarding method that rewrites, and the scheduler rr.
   */
  workload: 'established' | 'open' | 'reply';
  /** Connections established before time is taken, [0, 2^26]. */
  connections: number;
  /** Packets that are timed; at most 2^26 for `open`. */
  packets: number;
  distribution: 'uniform' | 'zipf';
  /** [40, 1500] */
  packetBytes: number;
  scheduler: string;
  forwarding: string;
  /** [1, 10000], with weights of 1, 2 and 3 times `weightFactor`. */
  servers: number;
  /** [1, 2^20] */
  weightFactor: number;
  /** The scheduler's table size; 0 is its own default. */
  tableSize: number;
  /** The scheduler hashes the port with the client's address, because flows come from few addresses. */
  hashesPort: boolean;
  /** [1, 64]; with more than one, the stream goes through one worker and through all at once, by turns. */
  workers: number;
  /**
   * The director is a master of connection sync, and its notes go nowhere. Another tells nobody, and takes as many
   * packets by turns. Wants `established`, and one worker.
   */
  isMaster: boolean;
  /** Where the tables lie: in anonymous memory, or in a file in memory, in small pages or moved into huge ones. */
  tables: 'anonymous' | 'file' | 'moved';
  seed: number;
}

export interface MemoryRun {
  ns: bigint;
  packets: bigint;
  /** Connections that are open afterwards. */
  connections: bigint;
  tableBytes: bigint;
  /** For `open`: the first connections after the servers were configured, at most 65,536, and what they took. */
  first: bigint;
  firstNs: bigint;
  /** For `open`: the scheduler's part alone, for flows that are not opened. */
  decisions: bigint;
  decisionNs: bigint;
  /** The time of the transaction that added the service and its servers. */
  configureNs: bigint;
  /** The estimated time that reading the clock added to `ns`; it is not subtracted. */
  clockNs: bigint;
  /** With more than one worker: the CPU time of all of them, with the writing of packets; `ns` is their sum, too. */
  cpuNs: bigint;
  /** The same, of the director that tells nobody; for both with `isMaster`, too. */
  untoldCpuNs: bigint;
  /** With more than one worker: the turns of one. */
  aloneNs: bigint;
  aloneCpuNs: bigint;
  alonePackets: bigint;
}

/** Times and rates are on the table's own clock, so a slow machine loses nothing. */
export interface AttackOptions {
  flood: 'none' | 'syn' | 'established' | 'talking' | 'udp' | 'fragments' | 'persistent';
  /** The table's capacity, [2^16, 2^26]. */
  capacity: number;
  /** Existing connections, each with a packet every half minute. */
  established: number;
  /** Clients that come per second, [250, 10^6]. */
  newPerSecond: number;
  /** The ratio of the attacker's packets to those of the clients. */
  floodFactor: number;
  /** [1, 600] */
  seconds: number;
  seed: number;
}

export interface AttackRun {
  establishedSent: bigint;
  establishedForwarded: bigint;
  comers: bigint;
  /** Clients that came and had all their packets forwarded. */
  comersServed: bigint;
  floodPackets: bigint;
  /** Vectors that held packets of established connections only. */
  establishedNs: bigint;
  establishedTimed: bigint;
  /** All other vectors. */
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
  /** `tcp` sends SYNs, `tcp-ack` ACKs without payload. */
  protocol: 'udp' | 'tcp' | 'tcp-ack';
  flows: number;
  packetBytes: number;
  durationMs: number;
  maxPackets: number;
  /** 0 means as fast as the interface takes them. */
  packetsPerSecond: number;
}

export interface DelayOptions {
  /** In the caller's namespace. */
  interfaceName: string;
  destinationMac: string;
  virtualAddress: string;
  port: number;
  /** [1, 2^24], taken in turn. */
  flows: number;
  /** [52, 1500] */
  packetBytes: number;
  /** [1, 10^6] */
  packetsPerSecond: number;
  /** [1, 60000] */
  durationMs: number;
  /** The path of a namespace's file. */
  receiverNamespace: string;
  /** Frames that come in on it are the packets' end. */
  receiverInterface: string;
}

/** Of all values that were measured. */
export interface Quantiles {
  p50: number;
  p99: number;
  p999: number;
  most: number;
}

export interface Delays<Count extends number | bigint = number> {
  sent: Count;
  received: Count;
  ns: Count;
  /** Of all packets that were due; one that was lost has 2^32 - 1. */
  delaysNs: Quantiles;
  /** How long after it was due each was sent. */
  latenessNs: Quantiles;
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
  /** The most connections under way: sent by a client and not yet passed on to a real server. */
  window: number;
}

interface NativeBench {
  /** Runs one timed run; blocks. */
  memory(options: MemoryOptions): MemoryRun;
  /** Runs one attack; blocks. */
  attack(options: AttackOptions): AttackRun;
  /** Sends UDP datagrams or SYNs from addresses of nobody; blocks for the duration. */
  flood(options: FloodOptions): { packets: bigint; ns: bigint };
  /** Sends UDP datagrams at an even pace, and measures how long after it was sent each has come; spins meanwhile. */
  delay(options: DelayOptions): Delays<bigint>;
  /**
   * Floods a director, made for one worker, with SYNs of ever new connections. The function that it returns says how
   * many went on and, once all have, how long that took (0 before). REQUIRES: the director stays open while it is
   * called.
   */
  synFlood(director: NativeEngine, options: SynFloodOptions): () => { sent: bigint; ns: bigint };
  /**
   * Has the kernel send on what comes in by a device for one IPv4 address, by another device, with nothing done to it,
   * until the process ends.
   */
  redirect(options: { from: string; to: string; address: string }): void;
  /**
   * Says how often the host's programs of this name have run, and for how long, while it was measured: from the first
   * call on. A run takes longer then, for two looks at the clock.
   */
  programTime(name: string): { runs: number; ns: number };
  NullLoop: new (options: NullLoopOptions) => NullLoop;
}

export const nativeBench: NativeBench = (native as unknown as { bench: NativeBench }).bench;
