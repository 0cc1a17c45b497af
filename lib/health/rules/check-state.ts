/** What results of a check say about a server: a pure state machine of one check. */
import type { CheckVerdict } from '../events.js';

export interface CheckState {
  readonly verdict: CheckVerdict;
  /** How many counted results in a row speak against the verdict. */
  readonly against: number;
  /** How many attempts of the present failure there were, [0, retries]. */
  readonly attempts: number;
}

/** What the state machine needs of a timing. */
export interface Thresholds {
  readonly retries: number;
  readonly rise: number;
  readonly fall: number;
}

/** When to ask again: as usual, as for a server that is down, or soon because a failure does not count yet. */
export type NextCheck = 'interval' | 'downInterval' | 'retry';

export interface CheckStep {
  readonly state: CheckState;
  readonly next: NextCheck;
}

export const UNKNOWN: CheckState = { verdict: 'unknown', against: 0, attempts: 0 };
const UP: CheckState = { verdict: 'up', against: 0, attempts: 0 };
const DOWN: CheckState = { verdict: 'down', against: 0, attempts: 0 };

/** Returns the state of a check that is taken over from one with this verdict. */
export const stateOf = (verdict: CheckVerdict): CheckState => ({ verdict, against: 0, attempts: 0 });

/**
 * Takes one result. The first one decides at once. While the server is up, a failure has its retries before it counts,
 * and `fall` of them in a row take it down; while it is down, `rise` passes in a row bring it up.
 */
export function takeResult(state: CheckState, hasPassed: boolean, { retries, rise, fall }: Thresholds): CheckStep {
  if (state.verdict === 'unknown') return settled(hasPassed ? UP : DOWN);
  if (state.verdict === 'up') {
    if (hasPassed) return settled(UP);
    if (state.attempts < retries) return { state: { ...state, attempts: state.attempts + 1 }, next: 'retry' };
    const against = state.against + 1;
    return settled(against >= fall ? DOWN : { verdict: 'up', against, attempts: 0 });
  }
  if (!hasPassed) return settled(DOWN);
  const against = state.against + 1;
  return settled(against >= rise ? UP : { verdict: 'down', against, attempts: 0 });
}

/** Takes a result that says nothing about the server, of an agent that does not answer. */
export function takeSilence(state: CheckState): CheckStep {
  return settled(state.verdict === 'unknown' ? UP : { ...state, attempts: 0 });
}

/** A server that is coming up is asked as often as one that is up. */
function settled(state: CheckState): CheckStep {
  return { state, next: state.verdict === 'down' && state.against === 0 ? 'downInterval' : 'interval' };
}
