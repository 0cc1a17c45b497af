/**
 * Whoever takes the same thing away again and again wants it away. It is then left alone for a while, longer each time.
 * This is pure: the caller has the clock.
 */

export interface ContentionOptions {
  /** Putting a thing back this often within `windowMs` is too often. */
  limit?: number;
  windowMs?: number;
  /** How long a thing is left alone the first time; each next time takes twice as long, up to `maxPauseMs`. */
  pauseMs?: number;
  maxPauseMs?: number;
}

interface Record {
  /** The times at which the thing was put back. */
  times: number[];
  pauseMs: number;
  /** The thing is left alone until then. */
  untilMs: number;
}

export class Contention {
  readonly #options: Required<ContentionOptions>;
  readonly #records = new Map<string, Record>();

  constructor({ limit = 5, windowMs = 60_000, pauseMs = 60_000, maxPauseMs = 600_000 }: ContentionOptions = {}) {
    this.#options = { limit, windowMs, pauseMs, maxPauseMs };
  }

  get limit(): number {
    return this.#options.limit;
  }

  /** Says whether a thing may be put back now. */
  allows(thing: string, nowMs: number): boolean {
    return nowMs >= (this.#records.get(thing)?.untilMs ?? 0);
  }

  /**
   * Notes that the thing was put back, or that this failed. Returns how long to leave it alone if that was once too
   * often.
   */
  note(thing: string, nowMs: number): number | undefined {
    const { limit, windowMs, pauseMs, maxPauseMs } = this.#options;
    const record = this.#records.get(thing) ?? { times: [], pauseMs: 0, untilMs: 0 };
    this.#records.set(thing, record);
    record.times = [...record.times.filter((time) => time > nowMs - windowMs), nowMs];
    // After a pause the thing has one try; if that lasts, all is calm again.
    const wasPaused = record.untilMs > 0 && nowMs < record.untilMs + windowMs;
    if (!wasPaused) record.pauseMs = 0;
    if (record.times.length < (wasPaused ? Math.min(2, limit) : limit)) return undefined;
    record.pauseMs = Math.min(maxPauseMs, record.pauseMs === 0 ? pauseMs : 2 * record.pauseMs);
    record.untilMs = nowMs + record.pauseMs;
    record.times = [];
    return record.pauseMs;
  }

  /** Returns when the first pause ends, undefined when nothing is left alone. */
  nextMs(nowMs: number): number | undefined {
    const pauses = [...this.#records.values()].map(({ untilMs }) => untilMs).filter((untilMs) => untilMs > nowMs);
    return pauses.length === 0 ? undefined : Math.min(...pauses);
  }

  /** Allows everything to be put back at once. */
  forget(): void {
    this.#records.clear();
  }
}
