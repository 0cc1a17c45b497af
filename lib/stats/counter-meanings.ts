/** What each counter counts. */
import { native } from '../native/addon.js';
import type { CounterName } from './counter-names.js';

/** What a counter counts. */
export interface CounterMeaning {
  /** The things that are counted: packets, bytes, connections, templates, reads or reports. */
  kind: string;
  /** Which of them are counted, or why a packet has this verdict, in words without a full stop. */
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

/** What each counter of a director counts, by the names in `stats().counters` and in their order. */
export const counterMeanings = meaningsOf<CounterName>(native.counters, native.counterInfos);
