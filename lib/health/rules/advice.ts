/** What the checks of a server say about its weight, put together: pure. */
import { MAX_INT32 } from '../../values/options.js';
import type { WeightAdvice } from '../checks/check.js';

export interface Advice {
  weight?: number;
  factor?: number;
  add?: number;
}

/** Puts together what several checks advise: the least weight, the product of the factors, the sum of what is added. */
export function combinedAdvice(advices: Iterable<WeightAdvice | undefined>): Advice | undefined {
  let advice: Advice | undefined;
  for (const one of advices) {
    if (one === undefined) continue;
    advice ??= {};
    if ('weight' in one) advice.weight = Math.min(advice.weight ?? MAX_INT32, one.weight);
    else if ('factor' in one) advice.factor = (advice.factor ?? 1) * one.factor;
    else advice.add = (advice.add ?? 0) + one.add;
  }
  return advice;
}

export function isSameAdvice(a: Advice | undefined, b: Advice | undefined): boolean {
  return a?.weight === b?.weight && a?.factor === b?.factor && a?.add === b?.add;
}
