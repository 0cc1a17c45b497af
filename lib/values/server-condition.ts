/** What was found or decided about a real server, beside its configuration; and the weight that results from both. */
import type { NativeServerCondition } from '../native/services.js';
import type { HealthCondition } from './health-condition.js';
import { MAX_INT32 } from './options.js';

/** The condition as the server's handle keeps it. Each part has one writer. */
export interface ServerCondition {
  /** By hand. */
  readonly isUp: boolean;
  /** Absent while nobody says anything about the server's health. */
  readonly health?: HealthCondition;
  /** Changes each time that draining begins; absent while it is not drained. */
  readonly drainId?: symbol;
  /** The weight that a policy assigned; absent without one. */
  readonly assignedWeight?: number;
}

/** The condition of a server that nothing is known against. */
export const GOOD_CONDITION: ServerCondition = { isUp: true };

/** Returns the condition with this part; undefined takes the part away. */
export function withPart<Name extends Exclude<keyof ServerCondition, 'isUp'>>(
  condition: ServerCondition,
  name: Name,
  value: ServerCondition[Name] | undefined,
): ServerCondition {
  // A copy with a part costs less than one without, and many servers may change at once.
  if (value !== undefined) return { ...condition, [name]: value };
  const { [name]: _, ...others } = condition;
  return others as ServerCondition;
}

export function nativeCondition({ isUp, health, drainId, assignedWeight }: ServerCondition): NativeServerCondition {
  return {
    isUp,
    isDraining: drainId !== undefined,
    ...(assignedWeight !== undefined && { assignedWeight }),
    ...(health && { health }),
  };
}

/**
 * Returns the weight without a slow start: 0 while the server is down by hand or by health, out of the list, drained or
 * configured with 0, whatever else is said. Otherwise it is the weight that a policy assigned, or else the one of
 * health, or else the configured one; health's factor and then its sum change it. The native part follows the same rule.
 */
export function fullWeight(configured: number, { isUp, health, drainId, assignedWeight }: ServerCondition): number {
  if (!isUp || drainId !== undefined || configured === 0) return 0;
  if (!health) return assignedWeight ?? configured;
  if (!health.isUp || health.isOut) return 0;
  const weight = assignedWeight ?? health.weight ?? configured;
  const product = weight * (health.factor ?? 1);
  const scaled = product > 0 ? Math.max(1, Math.floor(product)) : 0;
  return Math.min(Math.max(scaled + (health.add ?? 0), 0), MAX_INT32);
}
