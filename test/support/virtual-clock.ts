/** A clock that moves when a test says so, and runs what falls due meanwhile. */
import type { Clock } from '../../lib/health/clock.js';

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

export class VirtualClock implements Clock {
  #nowMs = 1000;
  /** How far the clock on the wall is ahead. */
  aheadMs = 1_700_000_000_000;
  #timers = new Set<Timer>();
  #soon: (() => void)[] = [];
  #order = 0;

  nowMs(): number {
    return this.#nowMs;
  }

  timeMs(): number {
    return this.#nowMs + this.aheadMs;
  }

  after(delayMs: number, run: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, order: this.#order++, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  soon(run: () => void): void {
    this.#soon.push(run);
  }

  /** How many timers wait. */
  get timers(): number {
    return this.#timers.size;
  }

  /** Lets time pass; whatever falls due runs at its own time. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await this.settle();
    for (let timer = this.#next(untilMs); timer; timer = this.#next(untilMs)) {
      this.#timers.delete(timer);
      this.#nowMs = Math.max(this.#nowMs, timer.atMs);
      timer.run();
      await this.settle();
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  /** The process stands for so long; what fell due meanwhile runs late. */
  async block(ms: number): Promise<void> {
    this.#nowMs += ms;
    await this.advance(0);
  }

  /** Runs what is ready now. */
  async settle(): Promise<void> {
    do {
      for (const run of this.#soon.splice(0)) run();
      await new Promise((resolve) => setImmediate(resolve));
    } while (this.#soon.length > 0);
  }

  #next(untilMs: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.atMs > untilMs) continue;
      if (!first || timer.atMs < first.atMs || (timer.atMs === first.atMs && timer.order < first.order)) first = timer;
    }
    return first;
  }
}
