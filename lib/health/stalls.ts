/** Measures how long this process was stopped or its loop blocked, so that checks do not take it for a server's fault. */
import type { Clock } from './clock.js';

/** Timers come late by less than this, in milliseconds, in a loop that is merely busy. */
const USUAL_LAG_MS = 20;
/** The clock on the wall is set by less than this, in milliseconds, unless the machine has slept. */
const SLEEP_MS = 1000;

export class Stalls {
  readonly #clock: Clock;
  #aheadMs: number;
  #totalMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#aheadMs = clock.timeMs() - clock.nowMs();
  }

  /** The milliseconds of all stalls so far. */
  get totalMs(): number {
    return this.#totalMs;
  }

  /** Takes a timer that was due at this time and runs now; returns the milliseconds of the stall, 0 for none. */
  note(dueMs: number): number {
    const now = this.#clock.nowMs();
    const lag = now - dueMs;
    const aheadMs = this.#clock.timeMs() - now;
    // The steady clock may stand while the machine is suspended; the clock on the wall is set forward then.
    const slept = aheadMs - this.#aheadMs;
    this.#aheadMs = aheadMs;
    const stall = (lag > USUAL_LAG_MS ? lag : 0) + (slept > SLEEP_MS ? slept : 0);
    this.#totalMs += stall;
    return stall;
  }
}
