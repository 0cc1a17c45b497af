/** When to look again: what waits for counts to change is woken by these. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface Pulse {
  /** Rejects when the signal is aborted or the pulse stops. Comes after `atMostMs`, where it is a clock's. */
  next(signal: AbortSignal | undefined, atMostMs?: number): Promise<void>;
  /** After it, every next() rejects. */
  stop(): void;
}

/** Beats with the clock; a pending beat keeps the process alive. */
export class ClockPulse implements Pulse {
  readonly #intervalMs: number;
  readonly #stopped = new AbortController();

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  next(signal: AbortSignal | undefined, atMostMs = Number.POSITIVE_INFINITY): Promise<void> {
    const either = AbortSignal.any(signal ? [signal, this.#stopped.signal] : [this.#stopped.signal]);
    return sleep(Math.min(this.#intervalMs, Math.ceil(atMostMs)), undefined, { signal: either });
  }

  stop(): void {
    this.#stopped.abort();
  }
}

/** Beats when told to; for a director whose time is its caller's. */
export class ManualPulse implements Pulse {
  readonly #stopped = new AbortController();
  #waiting: (() => void)[] = [];

  beat(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
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
    this.#stopped.abort();
  }
}
