/** What a director's counters count. */
import { native } from '../native/addon.js';

export interface CounterMeaning {
  /** What is counted: packets, bytes, connections, templates, reads, reports. */
  kind: string;
  /** Which of them; of a verdict, why a packet is counted there. In words without a stop. */
  sentence: string;
}

/** By the names in `stats().counters`, in their order. */
export const counterMeanings: Readonly<Record<string, CounterMeaning>> = Object.fromEntries(
  native.counters.map((name, index) => [name, Object.freeze(native.counterInfos[index] as CounterMeaning)]),
);
