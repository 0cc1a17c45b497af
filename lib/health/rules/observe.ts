/** What the traffic of a server tells about it: pure. */
import type { ObserveOptions } from '../options.js';

export type ObserveRule = Readonly<Required<ObserveOptions>>;

/** What was counted at a server so far. */
export interface PassiveSignals {
  readonly newConnections: number;
  /** Connections whose SYN came again, resets by clients, ICMP errors of the tunnel. */
  readonly troubles: number;
}

export interface Observed {
  readonly last?: PassiveSignals;
  /** How many periods in a row had trouble. */
  readonly periods: number;
  /** Whether the trouble is enough to bring the next check forward. */
  readonly isTroubled: boolean;
  /** Whether the server fails by its traffic. */
  readonly hasFailed: boolean;
}

export const UNOBSERVED: Observed = { periods: 0, isTroubled: false, hasFailed: false };

/** Takes the counts at the end of a period. The first ones are what later ones are compared with. */
export function observed(before: Observed, now: PassiveSignals, rule: ObserveRule): Observed {
  if (before.last === undefined || now.newConnections < before.last.newConnections)
    return { ...before, last: now, isTroubled: false };
  const connections = now.newConnections - before.last.newConnections;
  const troubles = now.troubles - before.last.troubles;
  const isTroubled = troubles >= rule.least && troubles >= rule.share * connections;
  // A period without traffic says nothing, and a server that is out has none.
  if (!isTroubled && connections === 0) return { ...before, last: now, isTroubled: false };
  const periods = isTroubled ? before.periods + 1 : 0;
  const hasFailed = before.hasFailed || (rule.failAfter > 0 && periods >= rule.failAfter);
  return { last: now, periods, isTroubled, hasFailed };
}

/** What was told is forgotten when checks have brought the server up again. */
export const forgotten = ({ last }: Observed): Observed => ({ ...UNOBSERVED, ...(last && { last }) });
