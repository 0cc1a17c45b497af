/**
 * Who takes the same thing away again and again wants it away: then it is left alone for a while, for longer each time.
 * Pure: the clock is the caller's.
 */

export interface ContentionOptions {
  /** So many times within `windowMs` are too many. */
  limit?: number;
  windowMs?: number;
  /** How long a thing is left alone for the first time; twice that for the next, up to `maxPauseMs`. */
  pauseMs?: number;
  maxPauseMs?: number;
}

interface Record {
  /** When it was put back. */
  times: number[];
  pauseMs: number;
  /** Left alone until then. */
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

  /** Whether a thing may be put back now. */
  allows(thing: string, nowMs: number): boolean {
    return nowMs >= (this.#records.get(thing)?.untilMs ?? 0);
  }

  /** It was put back, or that was tried. When that was once too often: for how long it is left alone from now on. */
  note(thing: string, nowMs: number): number | undefined {
    const { limit, windowMs, pauseMs, maxPauseMs } = this.#options;
    const record = this.#records.get(thing) ?? { times: [], pauseMs: 0, untilMs: 0 };
    this.#records.set(thing, record);
    record.times = [...record.times.filter((time) => time > nowMs - windowMs), nowMs];
    // After a pause it has one try, and is calm when that lasts.
    const wasPaused = record.untilMs > 0 && nowMs < record.untilMs + windowMs;
    if (!wasPaused) record.pauseMs = 0;
    if (record.times.length < (wasPaused ? Math.min(2, limit) : limit)) return undefined;
    record.pauseMs = Math.min(maxPauseMs, record.pauseMs === 0 ? pauseMs : 2 * record.pauseMs);
    record.untilMs = nowMs + record.pauseMs;
    record.times = [];
    return record.pauseMs;
  }

  /** When the first pause ends; undefined: nothing is left alone. */
  nextMs(nowMs: number): number | undefined {
    const pauses = [...this.#records.values()].map(({ untilMs }) => untilMs).filter((untilMs) => untilMs > nowMs);
    return pauses.length === 0 ? undefined : Math.min(...pauses);
  }

  /** Everything may be put back at once. */
  forget(): void {
    this.#records.clear();
  }
}
