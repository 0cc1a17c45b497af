/** What is true of a real server, or was decided about it, beside what is wanted of it; and the weight that comes of both. */
import type { NativeServerCondition } from '../native/services.js';

/** Nothing is known against it. */
export const GOOD_CONDITION: NativeServerCondition = { isUp: true, isDraining: false };

/**
 * The weight that it has without a slow start: 0 while it is down, drained or configured with 0, whatever a policy says;
 * else what a policy has assigned, or else the configured weight. The native part goes by the same rule.
 */
export function fullWeight(configured: number, { isUp, isDraining, assignedWeight }: NativeServerCondition): number {
  if (!isUp || isDraining || configured === 0) return 0;
  return assignedWeight ?? configured;
}
