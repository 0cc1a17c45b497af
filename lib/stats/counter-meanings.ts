/** What each counter counts. */
import { native } from '../native/addon.js';
import type { CounterName } from './counter-names.js';

export interface CounterMeaning {
  /** What is counted: packets, bytes, connections, templates, reads, reports. */
  kind: string;
  /** Which of them; of a verdict, why a packet is counted there. In words without a stop. */
  sentence: string;
}

/** `infos` has an entry for each of `names`, which are those of `Name`. */
export function meaningsOf<Name extends string>(
  names: readonly string[],
  infos: readonly CounterMeaning[],
): Readonly<Record<Name, CounterMeaning>> {
  const entries = names.map((name, index) => [name, Object.freeze(infos[index] as CounterMeaning)] as const);
  return Object.fromEntries(entries) as Record<Name, CounterMeaning>;
}

/** Of a director, by the names in `stats().counters`, in their order. */
export const counterMeanings = meaningsOf<CounterName>(native.counters, native.counterInfos);
