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

  /** Takes a timer that was due at this time and runs now. */
  note(dueMs: number): void {
    const lag = this.#clock.nowMs() - dueMs;
    if (lag > USUAL_LAG_MS) this.#totalMs += lag;
    this.look();
  }

  /** Sees whether the machine has slept: the steady clock may stand meanwhile, and the one on the wall is set forward. */
  look(): void {
    const aheadMs = this.#clock.timeMs() - this.#clock.nowMs();
    const slept = aheadMs - this.#aheadMs;
    this.#aheadMs = aheadMs;
    if (slept > SLEEP_MS) this.#totalMs += slept;
  }
}
