/** The native director without a device: the caller's packets and times drive it. */
import type { NativeDirector, NativePolicyListener } from './director.js';
import type { NativePolicyColumns } from './policies.js';

export interface NativeOutput {
  /** The packet as it would be sent, outer header first. */
  data: Uint8Array;
  /** Index in `packets` of the packet that caused it. */
  cause: number;
}

export interface NativeProcessResult {
  outputs: NativeOutput[];
  /** Per packet an index into `native.verdicts`. */
  verdicts: Uint8Array;
}

/** See native/binding/offline_wrap.h. */
export interface NativeOffline extends NativeDirector {
  /** `timesMs` are the packets' times, not decreasing, on any scale that starts at 0. */
  process(packets: Uint8Array[], timesMs: Float64Array): NativeProcessResult;
  /** Lets time pass, so that connections expire. */
  advance(atMs: number): void;
  /** `answer` is called within process(), about the columns that this returns. Once. */
  onPolicies(answer: NativePolicyListener): NativePolicyColumns;
}
