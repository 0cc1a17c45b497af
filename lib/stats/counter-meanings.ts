/** What counters count. */
import { native } from '../native/addon.js';

export interface CounterMeaning {
  /** What is counted: packets, bytes, connections, templates, reads, reports. */
  kind: string;
  /** Which of them; of a verdict, why a packet is counted there. In words without a stop. */
  sentence: string;
}

/** `infos`: for each of `names`. */
export function meaningsOf(
  names: readonly string[],
  infos: readonly CounterMeaning[],
): Readonly<Record<string, CounterMeaning>> {
  return Object.fromEntries(names.map((name, index) => [name, Object.freeze(infos[index] as CounterMeaning)]));
}

/** Of a director, by the names in `stats().counters`, in their order. */
export const counterMeanings = meaningsOf(native.counters, native.counterInfos);
