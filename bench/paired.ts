/**
 * Compares the figures of pairs of runs: the ratio of each pair, and between what their median lies.
 *
 * Thread safety: pure functions.
 */
import { median } from './statistics.js';
import type { Figures } from './subject.js';

/** The figures of one pair of runs: before is the other revision. */
export interface Pair {
  before: Figures;
  after: Figures;
}

export interface Ratio {
  figure: string;
  before: number;
  after: number;
  /** The median of the pairs' ratios, after to before. */
  ratio: number;
  low: number;
  high: number;
  /**
   * `different` means that the interval leaves out 1; `noise` that it holds 1; `too few pairs` that no interval holds the
   * median with 95 % from so few.
   */
  verdict: 'different' | 'noise' | 'too few pairs';
}

const LEAST_CONFIDENCE = 0.95;

/**
 * Returns the narrowest interval between two of the values that holds the median with a confidence of 95 % at least,
 * by the sign test: whatever the distribution, a value is above the median as often as a coin shows heads. Returns
 * undefined for fewer than six values, as their whole range is not enough.
 */
export function medianInterval(values: readonly number[]): { low: number; high: number } | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  const n = sorted.length;
  let outside = 0;
  let left = -1;
  for (let k = 0, ways = 1; k < n / 2; ways = (ways * (n - k)) / (k + 1), k += 1) {
    outside += (2 * ways) / 2 ** n;
    if (outside > 1 - LEAST_CONFIDENCE) break;
    left = k;
  }
  return left < 0 ? undefined : { low: sorted[left] as number, high: sorted[n - 1 - left] as number };
}

/**
 * Returns the ratio of each figure that both have. Those that are 0 in some run have none, and are left out.
 * REQUIRES: at least one pair.
 */
export function ratiosOf(pairs: readonly Pair[]): Ratio[] {
  const [first] = pairs;
  return Object.keys(first?.after ?? {}).flatMap((figure) => {
    const before = pairs.map((pair) => pair.before[figure] ?? 0);
    const after = pairs.map((pair) => pair.after[figure] ?? 0);
    const ratios = after.map((value, index) => value / (before[index] as number));
    if (!ratios.every((ratio) => ratio > 0 && Number.isFinite(ratio))) return [];
    const interval = medianInterval(ratios);
    const { low, high } = interval ?? { low: Math.min(...ratios), high: Math.max(...ratios) };
    const verdict = interval === undefined ? 'too few pairs' : low > 1 || high < 1 ? 'different' : 'noise';
    return [{ figure, before: median(before), after: median(after), ratio: median(ratios), low, high, verdict }];
  });
}
