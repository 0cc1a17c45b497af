/**
 * The native part of a director: guards its calls until the end, and does the chores that it needs.
 *
 * Invariants: after end() no call gets through; no timer keeps the process alive, and none is left after close().
 */
import { TunvsError, wrapNative } from '../values/errors.js';
import type { NativeDirector } from '../native/director.js';
import type { NativeOperation } from '../native/operations.js';

/** The interval at which the native part finishes removals and moves slow starts on. */
const HOUSEKEEPING_INTERVAL_MS = 1000;
const ENDING_INTERVAL_MS = 1;

export class DirectorEngine<Native extends NativeDirector = NativeDirector> {
  readonly #native: Native;
  #housekeeping: NodeJS.Timeout | undefined;
  #ending: NodeJS.Timeout | undefined;
  #isEnded = false;

  constructor(native: Native) {
    this.#native = native;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** @throws {@link TunvsError} ERR_TUNVS_CLOSED. */
  assertOpen(): void {
    if (this.#isEnded) throw new TunvsError('ERR_TUNVS_CLOSED', 'the director is closed: open another');
  }

  call<T>(run: (native: Native) => T): T {
    this.assertOpen();
    return wrapNative(() => run(this.#native));
  }

  /** Applies all or none. */
  apply(operations: NativeOperation[]): void {
    if (this.call((native) => native.apply(operations))) this.#endRemoved();
  }

  /** The services and servers are there that another process's connections wait for. */
  settle(): void {
    if (this.call((native) => native.settle())) this.#endRemoved();
  }

  /**
   * Ends the native part's work for a director of another process, which has the same devices and the same state: every
   * call is refused from now on.
   */
  hold(hold: (native: Native) => void): void {
    this.call(hold);
    this.end();
  }

  /** For an engine with a clock of its own; any other is told the time. */
  keepHouse(): void {
    this.#housekeeping = setInterval(() => this.#native.collect(), HOUSEKEEPING_INTERVAL_MS).unref();
  }

  /** Refuses every call from now on. */
  end(): void {
    this.#isEnded = true;
    clearInterval(this.#housekeeping);
    clearTimeout(this.#ending);
  }

  /** Stops the workers and gives the device back. REQUIRES: end(). */
  close(): void {
    this.#native.close();
  }

  /** Goes on ending connections of removed servers, a piece at a time, so that the event loop has turns in between. */
  #endRemoved(): void {
    this.#ending ??= setTimeout(() => {
      this.#ending = undefined;
      if (!this.#native.endRemoved()) this.#endRemoved();
    }, ENDING_INTERVAL_MS).unref();
  }
}
