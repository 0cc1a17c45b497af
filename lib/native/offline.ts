/** The native director without a device, driven by the caller's packets and times. */
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
  /** An index into `native.verdicts` for each packet. */
  verdicts: Uint8Array;
}

/** See native/binding/offline_wrap.h. */
export interface NativeOffline extends NativeDirector {
  /** `timesMs` are the packets' times, which do not decrease, on any scale that starts at 0. */
  process(packets: Uint8Array[], timesMs: Float64Array): NativeProcessResult;
  /** Lets time pass, so that connections expire. */
  advance(atMs: number): void;
  /** process() calls `answer` about the columns that this returns. REQUIRES: called once. */
  onPolicies(answer: NativePolicyListener): NativePolicyColumns;
}
