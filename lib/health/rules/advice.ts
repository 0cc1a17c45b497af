/** What the checks of a server say about its weight, put together: pure. */
import { MAX_INT32 } from '../../values/options.js';
import type { WeightAdvice } from '../checks/check.js';

export interface Advice {
  weight?: number;
  factor?: number;
  add?: number;
}

/**
 * Puts together what several checks advise: the least weight, the product of the factors, the sum of what is added. A
 * check of an embedder may advise anything; the result is in range.
 */
export function combinedAdvice(advices: Iterable<WeightAdvice | undefined>): Advice | undefined {
  let weight: number | undefined;
  let factor: number | undefined;
  let add: number | undefined;
  for (const advice of advices) {
    if (typeof advice !== 'object' || advice === null) continue;
    if ('weight' in advice && Number.isFinite(advice.weight)) weight = Math.min(weight ?? MAX_INT32, advice.weight);
    if ('factor' in advice && Number.isFinite(advice.factor)) factor = (factor ?? 1) * advice.factor;
    if ('add' in advice && Number.isFinite(advice.add)) add = (add ?? 0) + advice.add;
  }
  if (weight === undefined && factor === undefined && add === undefined) return undefined;
  return {
    ...(weight !== undefined && { weight: integer(weight, 0) }),
    ...(factor !== undefined && { factor: Math.min(MAX_INT32, Math.max(0, factor)) }),
    ...(add !== undefined && { add: integer(add, -MAX_INT32) }),
  };
}

const integer = (value: number, min: number) => Math.min(MAX_INT32, Math.max(min, Math.round(value)));

export function isSameAdvice(a: Advice | undefined, b: Advice | undefined): boolean {
  return a?.weight === b?.weight && a?.factor === b?.factor && a?.add === b?.add;
}
