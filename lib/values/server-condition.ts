/** What is true of a real server, or was decided about it, beside what is wanted of it; and the weight that comes of both. */
import type { NativeServerCondition } from '../native/services.js';

/** As its handle keeps it. */
export interface ServerCondition {
  readonly isUp: boolean;
  /** Another one each time that draining begins; left out: it is not drained. */
  readonly drainId?: symbol;
  /** By a policy; left out: none. */
  readonly assignedWeight?: number;
}

/** Nothing is known against it. */
export const GOOD_CONDITION: ServerCondition = { isUp: true };

export function nativeCondition({ isUp, drainId, assignedWeight }: ServerCondition): NativeServerCondition {
  return { isUp, isDraining: drainId !== undefined, ...(assignedWeight !== undefined && { assignedWeight }) };
}

/**
 * The weight that it has without a slow start: 0 while it is down, drained or configured with 0, whatever a policy says;
 * else what a policy has assigned, or else the configured weight. The native part goes by the same rule.
 */
export function fullWeight(configured: number, { isUp, drainId, assignedWeight }: ServerCondition): number {
  if (!isUp || drainId !== undefined || configured === 0) return 0;
  return assignedWeight ?? configured;
}
