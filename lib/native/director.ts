/** The native director, whatever drives it. */
import type { NativeConnectionRow, NativeExplanation, NativeServerRow, NativeServiceRow } from './rows.js';
import type { NativeOperation } from './operations.js';
import type { NativeServerKey, NativeServiceKey } from './services.js';

export interface NativeDirectorOptions {
  /** Capacity of the connection table per address family, [1024, 2^28]. */
  maxConnections: number;
  /** Director addresses (DIP), at most one per family; with `/LENGTH` a range that a flow's hash picks from. */
  sources: string[];
  /** Path MTU to real servers of which nothing smaller was learned, bytes, [576, 65535]. */
  pathMtu: number;
  /** Bytes, [68, 65535]. */
  pathMtuFloor: number;
  /** Who answers an echo request to a virtual address: 'always', 'when-up' or 'never'. */
  pingReply: string;
  /** What a client gets when no real server may take its connection: 'unreachable' or 'reset'. */
  noServerReply: string;
  /** 64-bit seed of the table's hash; undefined draws one. */
  seed?: bigint;
}

export interface NativeEnded {
  ended: number;
  next: number;
}

/** Called with a policy's id and how many connections wait for its answer in the columns. */
export type NativePolicyListener = (policy: number, rows: number) => void;

/**
 * What a director can do, on a device or without one: see native/binding/director_calls.h. After close() every call but
 * close() throws ERR_TUNVS_CLOSED.
 */
export interface NativeDirector {
  /** True when connections of servers that it removed are still to be ended: see endRemoved(). */
  apply(operations: NativeOperation[]): boolean;
  /** Goes on with that, a bounded piece of it; true when nothing is left. */
  endRemoved(): boolean;
  services(): NativeServiceRow[];
  /** One of them, and one of its servers, without the others; undefined when it is not configured. */
  service(service: NativeServiceKey): NativeServiceRow | undefined;
  server(service: NativeServiceKey, server: NativeServerKey): NativeServerRow | undefined;
  /** Rows from `cursor` (0 to begin); `next` is the cursor to go on with, or -1 at the end. */
  connections(cursor: number, limit: number): { rows: NativeConnectionRow[]; next: number };
  /** What would become of this packet now; changes nothing. `mark`: of its device, 0 for none. */
  explain(packet: Uint8Array, mark: number): NativeExplanation;
  /**
   * Ends connections of a real server that is configured, a bounded piece of the table from `cursor` (0 to begin) on,
   * offline all of it; `next` is the cursor to go on with, or -1 at the end.
   */
  endConnections(service: NativeServiceKey, server: NativeServerKey, cursor: number): NativeEnded;
  /** Frees what nobody uses any more, and takes slow starts on. Call every second or so. */
  collect(): void;
  /** Seconds by `native.timeoutNames`, each [1, 2678400]; those left out stay as they are. */
  setTimeouts(timeouts: Record<string, number>): void;
  /** All of them. */
  timeouts(): Record<string, number>;
  /** `name` without the `net.ipv4.vs.` prefix. */
  setSysctl(name: string, value: number): void;
  /** Of a defence in mode 1 or 2 (drop_entry, drop_packet, secure_tcp): 2 while it is on, 1 while it is not. */
  sysctls(): Record<string, number>;
  /** Sums every worker's counters into `target`, in the order of `native.counters`. */
  readCounters(target: BigUint64Array): void;
  /** Connections in the table now, per family, and its capacity. */
  tableInfo(): { ipv4: number; ipv6: number; capacity: number; bytes: number; persistenceDataBytes: number };
  /** Within a policy: in force at once, and done when the policy has returned. */
  close(): void;
}
