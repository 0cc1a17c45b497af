/** The time that the monitor goes by; tests bring their own. */

export interface Clock {
  /** Reads a steady clock, milliseconds. It may stand while the machine sleeps. */
  nowMs(): number;
  /** Reads the clock on the wall, milliseconds since 1970. */
  timeMs(): number;
  /** Calls `run` after so many milliseconds without keeping the process alive; returns what takes it back. */
  after(delayMs: number, run: () => void): () => void;
  /** Calls `run` when all that is ready now has been done. */
  soon(run: () => void): void;
}

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  timeMs: () => Date.now(),
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs).unref();
    return () => clearTimeout(timer);
  },
  soon: (run) => void setImmediate(run),
};
