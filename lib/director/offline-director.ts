/** What an offline director takes and returns; the class is in director.ts, beside the one it extends. */
import { types } from 'node:util';
import { native } from '../native/addon.js';
import type { NativeProcessResult } from '../native/offline.js';
import type { CounterName } from '../stats/counter-names.js';
import { readArguments, refuse } from '../values/options.js';

/** A packet that an offline director would send. */
export interface ProcessedPacket {
  /** The packet as it would be sent, outer header first. */
  data: Uint8Array;
  /** The index of the packet that caused it. */
  cause: number;
}

/** What {@link OfflineDirector.process} returns. */
export interface ProcessResult {
  /** The packets that would be sent, in the order of sending. */
  outputs: ProcessedPacket[];
  /** What became of each packet: the name of the counter that counted it. */
  verdicts: CounterName[];
}

/** Returns packets and their times as the native part takes them. `clockMs` is the time that was reached. */
export function checkedPackets(
  packets: Uint8Array | readonly Uint8Array[],
  atMs: number | Float64Array,
  clockMs: number,
): { packets: Uint8Array[]; timesMs: Float64Array } {
  const list = listOf(packets);
  for (const packet of list)
    if (!types.isUint8Array(packet)) refuse('process: packets', packet, 'a Uint8Array for each packet');
  if (!types.isFloat64Array(atMs)) {
    return { packets: list, timesMs: new Float64Array(list.length).fill(checkedTime('process: atMs', atMs, clockMs)) };
  }
  if (atMs.length !== list.length) refuse('process: atMs', atMs, `one time for each of the ${list.length} packets`);
  let last = clockMs;
  for (const time of atMs) last = checkedTime('process: atMs', time, last);
  return { packets: list, timesMs: atMs };
}

function listOf(packets: unknown): Uint8Array[] {
  return readArguments('process', () => {
    if (types.isUint8Array(packets)) return [packets];
    if (typeof packets !== 'object' || packets === null || !(Symbol.iterator in packets))
      return refuse('process: packets', packets, 'a Uint8Array for each packet');
    return [...(packets as Iterable<Uint8Array>)];
  });
}

/** Checks a time on the director's clock, which is not before `clockMs`. */
export function checkedTime(name: string, value: unknown, clockMs: number): number {
  if (typeof value === 'number' && value >= clockMs && value < 2 ** 53) return value;
  return refuse(name, value, `milliseconds that do not go back: below 2^53, at least ${clockMs}`);
}

export function processResult({ outputs, verdicts }: NativeProcessResult): ProcessResult {
  return { outputs, verdicts: Array.from(verdicts, (verdict) => native.verdicts[verdict] as CounterName) };
}
