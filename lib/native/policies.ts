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
 * What a policy was asked, and what became of it. Connections: asked = answered + late + failed + overflow + those that
 * wait now.
 */
export interface NativePolicyCounters {
  asked: bigint;
  answered: bigint;
  /** Without an answer in time: the scheduler decided. Weights: not asked again, because the last answer was pending. */
  late: bigint;
  /** Thrown, rejected, or answered with what cannot be: the scheduler decided, or the weights stayed. */
  failed: bigint;
  /** Connections for which there was no room to wait: the scheduler decided at once. */
  overflow: bigint;
  /** Packets that waited for an answer. */
  parked: bigint;
  /** Packets for which there was no room behind those of their connection. */
  dropped: bigint;
}
