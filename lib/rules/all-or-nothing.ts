/** Changes of a director that come into force together: a transaction, and beside it timeouts and sysctls. */
import type { Transaction } from '../director/configuration.js';
import type { StateTimeouts } from '../values/timeouts.js';

/** What is changed of a director; `Director` and `OfflineDirector` have it. */
export interface ChangedDirector {
  transaction<T>(body: (transaction: Transaction) => T): T;
  readonly stateTimeouts: Required<StateTimeouts>;
  setTimeouts(timeouts: StateTimeouts): void;
  readonly sysctls: Readonly<Record<string, number>>;
  setSysctl(name: string, value: number): void;
}

/**
 * Runs `body` in a transaction. What is not of the transaction is set within it, so that only the tables can still fail
 * afterwards; `body` adds to `undo` how that is taken back.
 */
export function allOrNothing(
  director: Pick<ChangedDirector, 'transaction'>,
  body: (transaction: Transaction, undo: (() => void)[]) => void,
): void {
  const undo: (() => void)[] = [];
  try {
    director.transaction((transaction) => body(transaction, undo));
  } catch (error) {
    takeBack(undo);
    throw error;
  }
}

/** One step that cannot be taken back does not keep the others. */
function takeBack(undo: (() => void)[]): void {
  for (const step of undo.reverse()) {
    try {
      step();
    } catch {
      // The error that led here says what is wrong; a director that is closed meanwhile has nothing left to restore.
    }
  }
}

/** What is to be called when the rest fails is added to `undo`. */
export function setTimeouts(director: ChangedDirector, edit: StateTimeouts, undo: (() => void)[]): void {
  const before = director.stateTimeouts;
  director.setTimeouts(edit);
  undo.push(() => director.setTimeouts(before));
}

/** Likewise. `name` may have `net.ipv4.vs.` in front. */
export function setSysctl(
  director: Pick<ChangedDirector, 'sysctls' | 'setSysctl'>,
  name: string,
  value: number,
  undo: (() => void)[],
): void {
  const before = director.sysctls[name.replace(/^net\.ipv4\.vs\./, '')];
  director.setSysctl(name, value);
  if (before !== undefined) undo.push(() => director.setSysctl(name, before));
}
