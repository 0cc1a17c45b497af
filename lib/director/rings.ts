/** The rings of a director: what they are to take, and whether they do. */
import type { NativeEngine, NativeEvent, NativeRing } from '../native/engine.js';

const LOOK_INTERVAL_MS = 1000;

export type RingEngine = Pick<NativeEngine, 'setRingPrefixes' | 'rings'>;

export class Rings {
  readonly #engine: RingEngine;
  readonly #isEnded: () => boolean;
  readonly #report: (event: NativeEvent) => void;
  #wanted: string[] = [];
  #isDue = false;
  #last: readonly NativeRing[];

  /** Once `isEnded` says so, the engine is left alone. It keeps no process alive. */
  constructor(engine: RingEngine, isEnded: () => boolean, report: (event: NativeEvent) => void) {
    this.#engine = engine;
    this.#isEnded = isEnded;
    this.#report = report;
    this.#last = engine.rings();
    if (this.#last.length > 0) this.#lookLater();
  }

  /** Has the rings take these, soon; until then their packets go by the host. */
  take(prefixes: ReadonlySet<string>): void {
    this.#wanted = [...prefixes];
    if (this.#isDue || this.#last.length === 0) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      if (this.#isEnded()) return;
      this.#engine.setRingPrefixes(this.#wanted);
      this.#look();
    });
  }

  /** Returns what each was found to do, at most a second ago. */
  list(): readonly NativeRing[] {
    return this.#last;
  }

  #lookLater(): void {
    setTimeout(() => {
      if (this.#isEnded()) return;
      this.#lookLater();
      this.#look();
    }, LOOK_INTERVAL_MS).unref();
  }

  #look(): void {
    const before = this.#last;
    this.#last = this.#engine.rings();
    for (const [index, { device, reason }] of this.#last.entries()) {
      if (reason === before[index]?.reason) continue;
      const message = reason === '' ? `the ring takes what comes in by ${device} again` : reason;
      this.#report({ type: 'ringChanged', value: reason === '' ? 1 : 0, message });
    }
  }
}
