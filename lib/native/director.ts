/** The native director, whatever drives it. */
import type { NativeConnectionRow, NativeExplanation, NativeServerRow, NativeServiceRow } from './rows.js';
import type { NativeOperation } from './operations.js';
import type { NativePin, NativePinReport, NativePinTarget } from './pins.js';
import type { NativeServerKey, NativeServiceKey } from './services.js';

export interface NativeDirectorOptions {
  /** Capacity of the connection table per address family, [1024, 2^28]. */
  maxConnections: number;
  /** Director addresses (DIP), at most one per family; one with `/LENGTH` is a range from which a flow's hash picks. */
  sources: string[];
  /** Path MTU to real servers for which no smaller one was learned, bytes, [576, 65535]. */
  pathMtu: number;
  /** Bytes, [68, 65535]. */
  pathMtuFloor: number;
  /** Who answers an echo request to a virtual address: 'always', 'when-up' or 'never'. */
  pingReply: string;
  /** What a client gets when no real server may take its connection: 'unreachable' or 'reset'. */
  noServerReply: string;
  /** What becomes of a real server's packet without a connection: 'drop' or 'pass'. */
  unmatchedReplies: string;
  /** Addresses and ranges that full NAT gives to packets, at most 256 addresses for each family. */
  natSources: string[];
  /** [1, 65535] */
  natFirstPort: number;
  /** [natFirstPort, 65535] */
  natLastPort: number;
  /** 64-bit seed of the table's hash; undefined draws one. */
  seed?: bigint;
}

export interface NativeNatServer {
  address: string;
  /** 0: every port. */
  port: number;
  /** IP protocol number; 0: any of those that are balanced. */
  protocol: number;
  isFtp: boolean;
}

export interface NativeEnded {
  ended: number;
  next: number;
}

/** Called with a policy's id and the number of connections whose answers are due in the columns. */
export type NativePolicyListener = (policy: number, rows: number) => void;

/**
 * What a director can do, on a device or without one; see native/binding/director_calls.h. After close() every call but
 * close() throws ERR_TUNVS_CLOSED.
 */
export interface NativeDirector {
  /** Returns true when connections of servers that it removed must still be ended; see endRemoved(). */
  apply(operations: NativeOperation[]): boolean;
  /** Ends a bounded number of them; returns true when none is left. */
  endRemoved(): boolean;
  /**
   * What an earlier process had left has got its services and servers by now, as far as it gets them. Returns as apply()
   * does.
   */
  settle(): boolean;
  services(): NativeServiceRow[];
  /** Returns one service, and one of its servers, without the others; undefined when it is not configured. */
  service(service: NativeServiceKey): NativeServiceRow | undefined;
  server(service: NativeServiceKey, server: NativeServerKey): NativeServerRow | undefined;
  /** Returns rows from `cursor` (0 to begin); `next` is the cursor to go on with, or -1 at the end. */
  connections(cursor: number, limit: number): { rows: NativeConnectionRow[]; next: number };
  /** Says what would become of this packet now; changes nothing. `mark` is the device's, 0 for none. */
  explain(packet: Uint8Array, mark: number): NativeExplanation;
  /**
   * Ends connections of a configured real server: a bounded piece of the table from `cursor` (0 to begin) on, or all of
   * it offline; `next` is the cursor to go on with, or -1 at the end.
   */
  endConnections(service: NativeServiceKey, server: NativeServerKey, cursor: number): NativeEnded;
  /**
   * Pins a flow to a real server that is configured, or was deleted and is not forgotten; returns the pin's name. Throws
   * ERR_TUNVS_EXISTS when the flow is pinned or has a connection, ERR_TUNVS_LIMIT when there are 16,384 pins.
   */
  pin(target: NativePinTarget, ...flow: NativePin): number;
  /** Returns what pin() takes for the server; it stays good for any server with these keys. */
  pinTarget(service: NativeServiceKey, server: NativeServerKey): NativePinTarget;
  /** Ends a pin within a second, and returns the report of it until now; does nothing when it is not there. */
  releasePin(name: number): NativePinReport | undefined;
  /** Returns undefined when the pin was released, or ended a minute ago. */
  pinReport(name: number): NativePinReport | undefined;
  /** Frees what nobody uses any more, and moves slow starts on. REQUIRES: called about every second. */
  collect(): void;
  /**
   * Returns the servers whose packets the director has to see, as it rewrites those of their connections: also those
   * that were edited or deleted and are not forgotten.
   */
  natServers(): NativeNatServer[];
  /** Takes seconds by `native.timeoutNames`, each [1, 2678400]; those left out stay as they are. */
  setTimeouts(timeouts: Record<string, number>): void;
  /** Returns all of them. */
  timeouts(): Record<string, number>;
  /** `name` without the `net.ipv4.vs.` prefix. */
  setSysctl(name: string, value: number): void;
  /**
   * Of a defence in mode 1 or 2 (drop_entry, drop_packet, secure_tcp), returns 2 while it is on and 1 while it is not.
   */
  sysctls(): Record<string, number>;
  /** Sums every worker's counters into `target`, in the order of `native.counters`. */
  readCounters(target: BigUint64Array): void;
  /** Returns the connections in the table now, per family, and its capacity. */
  tableInfo(): { ipv4: number; ipv6: number; capacity: number; bytes: number; persistenceDataBytes: number };
  /** Counts the memory that the tables have taken. It reads /proc/self/smaps, which takes milliseconds. */
  tablePages(): { residentBytes: number; hugeBytes: number };
  /** Inside a policy's call it is in force at once, and completed when the policy has returned. */
  close(): void;
}
