/** What was found or decided about a real server, beside its configuration; and the weight that results from both. */
import type { NativeServerCondition } from '../native/services.js';

/** The condition as the server's handle keeps it. */
export interface ServerCondition {
  readonly isUp: boolean;
  /** Changes each time that draining begins; absent while it is not drained. */
  readonly drainId?: symbol;
  /** The weight that a policy assigned; absent without one. */
  readonly assignedWeight?: number;
}

/** The condition of a server that nothing is known against. */
export const GOOD_CONDITION: ServerCondition = { isUp: true };

export function nativeCondition({ isUp, drainId, assignedWeight }: ServerCondition): NativeServerCondition {
  return { isUp, isDraining: drainId !== undefined, ...(assignedWeight !== undefined && { assignedWeight }) };
}

/**
 * Returns the weight without a slow start: 0 while the server is down, drained or configured with 0, whatever a policy
 * says; otherwise the weight that a policy assigned, or else the configured one. The native part follows the same rule.
 */
export function fullWeight(configured: number, { isUp, drainId, assignedWeight }: ServerCondition): number {
  if (!isUp || drainId !== undefined || configured === 0) return 0;
  return assignedWeight ?? configured;
}
