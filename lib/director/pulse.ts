/** Says when to look again: it wakes those who wait for counts to change. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface Pulse {
  /** Rejects when the signal is aborted or the pulse stops. A clock's pulse resolves after `atMostMs` at the latest. */
  next(signal: AbortSignal | undefined, atMostMs?: number): Promise<void>;
  /** Calls `run` after each interval without keeping the process alive; returns a function that stops it. */
  every(intervalMs: number, run: () => void): () => void;
  /** Reads a steady clock, milliseconds. */
  nowMs(): number;
  /** Makes every next() reject from now on and runs nothing more. */
  stop(): void;
}

/** Beats with the clock; a pending beat keeps the process alive. */
export class ClockPulse implements Pulse {
  readonly #intervalMs: number;
  readonly #stopped = new AbortController();

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  every(intervalMs: number, run: () => void): () => void {
    const timer = setInterval(run, intervalMs).unref();
    const cancel = () => clearInterval(timer);
    this.#stopped.signal.addEventListener('abort', cancel, { once: true });
    return () => {
      cancel();
      this.#stopped.signal.removeEventListener('abort', cancel);
    };
  }

  nowMs(): number {
    return performance.now();
  }

  next(signal: AbortSignal | undefined, atMostMs = Number.POSITIVE_INFINITY): Promise<void> {
    const either = AbortSignal.any(signal ? [signal, this.#stopped.signal] : [this.#stopped.signal]);
    return sleep(Math.min(this.#intervalMs, Math.ceil(atMostMs)), undefined, { signal: either });
  }

  stop(): void {
    this.#stopped.abort();
  }
}

interface Interval {
  intervalMs: number;
  dueMs: number;
  run: () => void;
}

/** Beats when told to, for a director whose caller moves the time. */
export class ManualPulse implements Pulse {
  readonly #stopped = new AbortController();
  readonly #intervals = new Set<Interval>();
  #waiting: (() => void)[] = [];
  #atMs = 0;

  /** The time has moved to `atMs`, which does not go back. An interval that has passed more than once is run once. */
  beat(atMs = this.#atMs): void {
    this.#atMs = atMs;
    for (const interval of [...this.#intervals]) {
      if (interval.dueMs > atMs || !this.#intervals.has(interval)) continue;
      interval.dueMs += (Math.floor((atMs - interval.dueMs) / interval.intervalMs) + 1) * interval.intervalMs;
      interval.run();
    }
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  every(intervalMs: number, run: () => void): () => void {
    const interval = { intervalMs, run, dueMs: this.#atMs + intervalMs };
    this.#intervals.add(interval);
    return () => this.#intervals.delete(interval);
  }

  nowMs(): number {
    return this.#atMs;
  }

  next(signal: AbortSignal | undefined): Promise<void> {
    const either = AbortSignal.any(signal ? [signal, this.#stopped.signal] : [this.#stopped.signal]);
    return new Promise((resolve, reject) => {
      if (either.aborted) {
        reject(either.reason);
        return;
      }
      const stop = () => reject(either.reason);
      either.addEventListener('abort', stop, { once: true });
      this.#waiting.push(() => {
        either.removeEventListener('abort', stop);
        resolve();
      });
    });
  }

  stop(): void {
    this.#intervals.clear();
    this.#stopped.abort();
  }
}
