/** `director.watch()` samples the stats with rates at an interval. */
import { checkedOptions, durationOption, signalOption } from '../values/options.js';
import { type DirectorSample, ESTIMATE_INTERVAL_MS, RateMeter } from './rates.js';
import type { DirectorStats } from './stats.js';

/**
 * The options of {@link Director.watch}.
 *
 * @example
 * ```ts
 * import { Director, type WatchOptions } from 'tunvs';
 *
 * const director = await Director.open({ source: '10.2.0.2' });
 * const options: WatchOptions = { intervalMs: 100, signal: AbortSignal.timeout(60_000) };
 * for await (const { rates, counterRates } of director.watch(options)) {
 *   console.log(rates.connections, counterRates.dropNoService); // 0 0
 *   break;
 * }
 * await director.close();
 * ```
 */
export interface WatchOptions {
  /** Sets the milliseconds between two samples, [10, 2^31 - 1]. The default is 1000. */
  intervalMs?: number;
  /** When it is aborted, the iteration throws its reason. */
  signal?: AbortSignal;
}

export interface WatchBacking {
  read(): DirectorStats;
  /** Reads a steady clock, milliseconds. */
  now(): number;
  /** Called once, when the watch is over. */
  ended(watch: Watch): void;
}

interface Waiter {
  resolve(result: IteratorResult<DirectorSample, undefined>): void;
  reject(reason: unknown): void;
}

/**
 * Begins with the first next(). A caller that is slower than the interval misses samples, and nothing is sampled while
 * nobody waits; IPVS's estimator steps every two seconds all the same.
 *
 * Ends, and releases its timers and the signal's listener, when the loop is left, the signal is aborted, the director
 * is closed or the stats cannot be read.
 */
export class Watch implements AsyncIterator<DirectorSample, undefined>, AsyncIterable<DirectorSample> {
  readonly #backing: WatchBacking;
  readonly #intervalMs: number;
  readonly #signal: AbortSignal | undefined;
  readonly #aborted = () => this.#end(this.#signal?.reason);
  readonly #waiting: Waiter[] = [];
  #meter: RateMeter | undefined;
  #estimator: NodeJS.Timeout | undefined;
  #timer: NodeJS.Timeout | undefined;
  #dueAtMs = 0;
  #isOver = false;
  /** The next call of next() throws this, once. */
  #failure: { reason: unknown } | undefined;

  constructor(options: WatchOptions, backing: WatchBacking) {
    const given = checkedOptions('watch', options, ['intervalMs', 'signal']);
    this.#intervalMs = durationOption('watch: intervalMs', given.intervalMs, 10, 1000);
    this.#signal = signalOption('watch: signal', given.signal);
    this.#backing = backing;
    if (this.#signal?.aborted) this.#end(this.#signal.reason);
    else this.#signal?.addEventListener('abort', this.#aborted, { once: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<DirectorSample, undefined>> {
    const failure = this.#failure;
    if (failure) {
      this.#failure = undefined;
      return Promise.reject(failure.reason);
    }
    if (this.#isOver) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#attempt(() => {
        this.#begin();
        this.#arm();
      });
    });
  }

  return(): Promise<IteratorResult<DirectorSample, undefined>> {
    this.close();
    return Promise.resolve({ done: true, value: undefined });
  }

  throw(reason?: unknown): Promise<IteratorResult<DirectorSample, undefined>> {
    this.close();
    return Promise.reject(reason);
  }

  /** Ends the iteration; calling it twice is fine. */
  close(): void {
    this.#failure = undefined;
    this.#end();
  }

  #begin(): void {
    if (this.#meter) return;
    const now = this.#backing.now();
    const meter = new RateMeter(this.#backing.read(), now);
    this.#meter = meter;
    this.#dueAtMs = now + this.#intervalMs;
    this.#estimator = setInterval(
      () => this.#attempt(() => meter.step(this.#backing.read())),
      ESTIMATE_INTERVAL_MS,
    ).unref();
  }

  #arm(): void {
    if (this.#timer || this.#waiting.length === 0) return;
    this.#timer = setTimeout(
      () => this.#attempt(() => this.#sample()),
      Math.max(0, this.#dueAtMs - this.#backing.now()),
    );
  }

  #sample(): void {
    this.#timer = undefined;
    const now = this.#backing.now();
    const value = this.#meter?.sample(this.#backing.read(), now) as DirectorSample;
    this.#dueAtMs += this.#intervalMs;
    if (this.#dueAtMs <= now) this.#dueAtMs = now + this.#intervalMs;
    this.#waiting.shift()?.resolve({ done: false, value });
    this.#arm();
  }

  #attempt(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#end(error);
    }
  }

  #end(reason?: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearInterval(this.#estimator);
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener('abort', this.#aborted);
    const [first, ...others] = this.#waiting.splice(0);
    if (reason !== undefined && first) first.reject(reason);
    else first?.resolve({ done: true, value: undefined });
    if (reason !== undefined && !first) this.#failure = { reason };
    for (const waiter of others) waiter.resolve({ done: true, value: undefined });
    this.#backing.ended(this);
  }
}
