/** What health says of a real server, apart from what anybody says by hand, a drain or a policy. */
import { booleanOption, choiceOption, checkedOptions, integerOption, MAX_INT32, refuse } from './options.js';

/** What may become of the connections that a server has while it is down. */
export const onDownKinds = ['keep', 'drop', 'reset', 'reschedule'] as const;

/**
 * What becomes of the connections that a server has while it is down. 'keep' forwards their packets to it all the same.
 * 'drop' is silent about them, as about those of a removed server. 'reset' ends them with the next packet: it answers
 * TCP with a reset, schedules a UDP datagram anew and drops any other packet. 'reschedule' schedules the next packet
 * anew, whatever it is. A packet that opens a connection is scheduled anew with 'reset' and 'reschedule'.
 */
export type OnDown = (typeof onDownKinds)[number];

/**
 * What health says of a real server. A server gets new connections only if it is up by health and by hand
 * ({@link RealServer.isUp}).
 */
export interface HealthCondition {
  /** Whether the server is healthy. */
  readonly isUp: boolean;
  /**
   * Whether the server is out of the list, as if it was removed: no scheduler sees it, and tables of hashes have no slot
   * for it. It keeps its place for when it comes back. A server that is down and not out has weight 0 instead.
   */
  readonly isOut: boolean;
  /** What becomes of the server's connections while `isUp` is false. */
  readonly onDown: OnDown;
  /** The weight in place of the configured one, [0, 2^31 - 1]. A policy's weight comes before it. */
  readonly weight?: number;
  /** What the weight is multiplied with, 0 or more. Unless the product is 0, it counts as 1 at least. */
  readonly factor?: number;
  /** What is added to the weight afterwards, [-(2^31 - 1), 2^31 - 1]. */
  readonly add?: number;
}

/** How a sorry server counts until health puts it in force: it is healthy, and not in the list. */
export const SORRY_AT_REST: HealthCondition = Object.freeze({ isUp: true, isOut: true, onDown: 'keep' });

const NAMES = ['isUp', 'isOut', 'onDown', 'weight', 'factor', 'add'] as const;
const WHOLE = { isUp: true, isOut: false, onDown: 'keep' } as const;

/** Returns a copy that nobody else changes. */
export function checkedHealth(call: string, health: HealthCondition): HealthCondition {
  const given = checkedOptions(call, health, NAMES);
  const { weight, factor, add } = given;
  if (factor !== undefined && !(typeof factor === 'number' && factor >= 0 && Number.isFinite(factor)))
    refuse(`${call}: factor`, factor, 'a number from 0 up');
  return Object.freeze({
    isUp: booleanOption(`${call}: isUp`, given.isUp, WHOLE.isUp),
    isOut: booleanOption(`${call}: isOut`, given.isOut, WHOLE.isOut),
    onDown: choiceOption(`${call}: onDown`, given.onDown, onDownKinds, WHOLE.onDown),
    ...(weight !== undefined && { weight: integerOption(`${call}: weight`, weight, 0, MAX_INT32, 0) }),
    ...(factor !== undefined && { factor }),
    ...(add !== undefined && { add: integerOption(`${call}: add`, add, -MAX_INT32, MAX_INT32, 0) }),
  });
}
