/** What decides about new connections before a scheduler, and how it is asked. */
import type { NativeServerKey } from './services.js';

/** Decides about a service's new connections before its scheduler does. */
export type NativePolicy =
  | { kind: 'none' }
  | {
      kind: 'table';
      servers: NativeServerKey[];
      /** Holds a server for each slot, as an index of `servers`. */
      slots: Uint32Array;
      hashesPort: boolean;
    }
  | {
      kind: 'connection';
      /** The arguments of onPolicies' function. */
      id: number;
      /** [1, 10000], rounded up to 4 ms. */
      deadlineMs: number;
      /** Bytes of the first packet, [0, 256]. */
      packetBytes: number;
    };

/** A batch of new connections, 512 rows at most, in shared memory; see native/binding/policy_binding.h. */
export interface NativePolicyColumns {
  /** 16 bytes each, of which IPv4 uses the first 4. */
  clients: Uint8Array;
  virtuals: Uint8Array;
  clientPorts: Uint16Array;
  virtualPorts: Uint16Array;
  /** 4 or 6. */
  families: Uint8Array;
  protocols: Uint8Array;
  /** 256 bytes each, of which `packetLengths` says how many are used. */
  packets: Uint8Array;
  packetLengths: Uint16Array;
  /** To be filled with real servers' ids. 2^32-1, the initial value: the scheduler decides; 2^32-2: no answer. */
  answers: Uint32Array;
}

/**
 * The counters of a policy. For a connection policy `asked` is the sum of `answered`, `late`, `failed`, `overflow` and
 * the connections that wait now.
 */
export interface NativePolicyCounters {
  /** The number of questions. */
  asked: bigint;
  /** The number of usable answers. */
  answered: bigint;
  /**
   * The number of questions without an answer in time, so that the scheduler decided. For a weights policy, the number
   * of times that it was not asked because its last answer was pending.
   */
  late: bigint;
  /** The number of failures, after which the scheduler decided or the weights stayed. */
  failed: bigint;
  /** The number of connections for which there was no room to wait, so that the scheduler decided at once. */
  overflow: bigint;
  /** The number of packets that waited for an answer. */
  parked: bigint;
  /** The number of packets that were dropped because there was no room behind those of their connection. */
  dropped: bigint;
}
