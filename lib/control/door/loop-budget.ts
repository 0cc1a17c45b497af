/**
 * The door's share of the event loop's time, all clients together: who would take more waits for its turn.
 *
 * Invariants:
 * 1. A turn is measured before the next one is given, so that what is owed is known.
 * 2. Peers take turns one after the other, however many wait for one of them.
 */

/** A door that was quiet may work for so long without a pause. */
const BURST_MS = 500;

/** What a turn has begun is done, for most of it, after so many turns of the loop. */
const MEASURED_TURNS = 4;

/** No wait is shorter, so that the timer itself costs little. */
const MIN_WAIT_MS = 2;

export interface Clock {
  now(): number;
  /** Called when the loop has gone round once, without having slept. */
  nextTurn(go: () => void): void;
  later(go: () => void, ms: number): void;
}

const LOOP: Clock = {
  now: () => performance.now(),
  nextTurn: (go) => void setImmediate(go),
  later: (go, ms) => void setTimeout(go, ms).unref(),
};

type Go = () => void;

export class LoopBudget {
  readonly #share: number;
  readonly #clock: Clock;
  /** By peer; the first is the next one. */
  readonly #waiting = new Map<string, Map<Go, number>>();
  #balanceMs = BURST_MS;
  #at: number;
  #isMeasuring = false;
  #isSleeping = false;

  constructor(share: number, clock = LOOP) {
    this.#share = share;
    this.#clock = clock;
    this.#at = clock.now();
  }

  /** How many wait. */
  get waiting(): number {
    let sum = 0;
    for (const { size } of this.#waiting.values()) sum += size;
    return sum;
  }

  /** Work was done that had no turn. */
  charge(ms: number): void {
    this.#balanceMs -= ms;
  }

  /**
   * Calls `go` when it is the peer's turn, at once when nobody waits and there is time. Returns what ends the waiting.
   * Of what the turn takes, `mostMs` counts at most.
   */
  wait(peer: string, go: Go, mostMs = Number.POSITIVE_INFINITY): () => void {
    const queue = this.#waiting.get(peer) ?? new Map<Go, number>();
    const mine = () => go();
    queue.set(mine, mostMs);
    this.#waiting.set(peer, queue);
    this.#give();
    return () => {
      if (queue.delete(mine) && queue.size === 0) this.#waiting.delete(peer);
    };
  }

  /** The same as a promise, which is fulfilled too when `gone` is aborted. */
  turn(peer: string, gone?: AbortSignal, mostMs?: number): Promise<void> {
    return new Promise((resolve) => {
      const leave = () => {
        cancel();
        resolve();
      };
      const go = () => {
        gone?.removeEventListener('abort', leave);
        resolve();
      };
      let cancel = () => {};
      gone?.addEventListener('abort', leave);
      cancel = this.wait(peer, go, mostMs);
      if (gone?.aborted) leave();
    });
  }

  #give(): void {
    if (this.#isMeasuring || this.#isSleeping) return;
    const [next] = this.#waiting;
    if (next === undefined) return;
    const now = this.#clock.now();
    this.#balanceMs = Math.min(BURST_MS, this.#balanceMs + (now - this.#at) * this.#share);
    this.#at = now;
    if (this.#balanceMs <= 0) {
      this.#isSleeping = true;
      const wake = () => {
        this.#isSleeping = false;
        this.#give();
      };
      this.#clock.later(wake, Math.max(MIN_WAIT_MS, -this.#balanceMs / this.#share));
      return;
    }
    const [peer, queue] = next;
    const [[go, mostMs] = [() => {}, 0]] = queue;
    queue.delete(go);
    this.#waiting.delete(peer);
    if (queue.size > 0) this.#waiting.set(peer, queue);
    this.#isMeasuring = true;
    this.#measure(now, mostMs, MEASURED_TURNS);
    go();
  }

  #measure(from: number, mostMs: number, turns: number): void {
    this.#clock.nextTurn(() => {
      if (turns > 1) return this.#measure(from, mostMs, turns - 1);
      this.#isMeasuring = false;
      this.#balanceMs -= Math.min(mostMs, this.#clock.now() - from);
      this.#give();
    });
  }
}
