/** Holds servers down that go up and down too often, as RFC 2439 has it for routes: pure. */
import type { DampingOptions } from '../options.js';

export type DampingRule = Readonly<Required<DampingOptions>>;

export interface Damping {
  /** The penalty at the time `atMs`. */
  readonly penalty: number;
  readonly atMs: number;
  /** Whether the server is held down. */
  readonly isHeld: boolean;
}

export const NO_PENALTY: Damping = { penalty: 0, atMs: 0, isHeld: false };

/** Returns the penalty that is never exceeded, so that nothing is held for longer than `maxSuppressMs`. */
export function ceilingOf({ reuseBelow, maxSuppressMs, halfLifeMs }: DampingRule): number {
  return reuseBelow * 2 ** (maxSuppressMs / halfLifeMs);
}

/** Adds the penalty of one going down. */
export function penalized(before: Damping, nowMs: number, rule: DampingRule): Damping {
  const penalty = Math.min(ceilingOf(rule), penaltyAt(before, nowMs, rule) + rule.penalty);
  return { penalty, atMs: nowMs, isHeld: before.isHeld || penalty > rule.suppressAbove };
}

/** Lets the server go when its penalty has become small enough. */
export function released(before: Damping, nowMs: number, rule: DampingRule): Damping {
  if (!before.isHeld || nowMs < releaseAtMs(before, rule)) return before;
  return { penalty: penaltyAt(before, nowMs, rule), atMs: nowMs, isHeld: false };
}

/** Returns when a server that is held can be let go; before that its penalty is not below `reuseBelow`. */
export function releaseAtMs({ penalty, atMs }: Damping, { reuseBelow, halfLifeMs }: DampingRule): number {
  return atMs + Math.max(0, Math.log2(penalty / reuseBelow)) * halfLifeMs;
}

export function penaltyAt({ penalty, atMs }: Damping, nowMs: number, { halfLifeMs }: DampingRule): number {
  return penalty * 2 ** (-(nowMs - atMs) / halfLifeMs);
}
