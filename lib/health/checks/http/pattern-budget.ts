/** How much time patterns that take long may take from the event loop, over all checks of the process. */

const MS_PER_SECOND = 100;

/**
 * Invariant: from one moment to another, spend() has been told at most MS_PER_SECOND for each second between them,
 * MS_PER_SECOND that were saved, and the one run that overdrew.
 */
export class PatternBudget {
  readonly msPerSecond = MS_PER_SECOND;
  readonly #nowMs: () => number;
  #leftMs = MS_PER_SECOND;
  #atMs: number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#atMs = nowMs();
  }

  hasTime(): boolean {
    const nowMs = this.#nowMs();
    this.#leftMs = Math.min(MS_PER_SECOND, this.#leftMs + ((nowMs - this.#atMs) / 1000) * MS_PER_SECOND);
    this.#atMs = nowMs;
    return this.#leftMs > 0;
  }

  spend(ms: number): void {
    this.#leftMs -= ms;
  }
}
