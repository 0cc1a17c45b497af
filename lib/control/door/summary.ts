/** Says what was refused at the door, at most once a minute, however much it was. */
import type { DoorLog } from './door.js';

const INTERVAL_MS = 60_000;

export class Summary {
  readonly #log: DoorLog | undefined;
  readonly #intervalMs: number;
  #counts: Record<string, number> = {};
  #failure: string | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(log: DoorLog | undefined, intervalMs = INTERVAL_MS) {
    this.#log = log;
    this.#intervalMs = intervalMs;
  }

  /** `what` is one of few, in the plural: "malformed requests". */
  count(what: string): void {
    if (this.#log === undefined) return;
    this.#counts[what] = (this.#counts[what] ?? 0) + 1;
    this.#timer ??= setTimeout(() => this.say(), this.#intervalMs).unref();
  }

  /** The first failure of the interval is shown. */
  failed(error: unknown): void {
    this.#failure ??= error instanceof Error ? error.message : String(error);
    this.count('requests that failed');
  }

  /** Says what is counted so far, if anything is. */
  say(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const refused = this.#counts;
    this.#counts = {};
    const words = Object.entries(refused).map(([what, count]) => `${count} ${what}`);
    if (words.length === 0) return;
    const failure = this.#failure;
    this.#failure = undefined;
    this.#log?.warn(
      'control.refused',
      { refused, ...(failure !== undefined && { failure }) },
      `the control server refused or failed in the last minute: ${words.join(', ')}` +
        (failure === undefined ? '' : `; the first failure: ${failure}`),
    );
  }
}
