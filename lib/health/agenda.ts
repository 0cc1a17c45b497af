/** What is to be done when: a heap of entries, and one timer for all of them. */
import type { Clock } from './clock.js';
import type { Stalls } from './stalls.js';

/** One thing to be done. Without `run` it was taken back. */
export interface Entry {
  readonly atMs: number;
  run: (() => void) | undefined;
}

/** While something is watched, the timer runs at least this often, in milliseconds, to see stalls. */
const BEAT_MS = 50;

export class Agenda {
  readonly #clock: Clock;
  readonly #stalls: Stalls;
  readonly #onStall: (stallMs: number) => void;
  #heap: Entry[] = [];
  #takenBack = 0;
  #timer: { dueMs: number; stop: () => void } | undefined;
  #watched = 0;
  #isAwake = false;

  constructor(clock: Clock, stalls: Stalls, onStall: (stallMs: number) => void) {
    this.#clock = clock;
    this.#stalls = stalls;
    this.#onStall = onStall;
  }

  at(atMs: number, run: () => void): Entry {
    const entry: Entry = { atMs, run };
    this.#push(entry);
    this.#arm();
    return entry;
  }

  cancel(entry: Entry | undefined): void {
    if (entry?.run === undefined) return;
    entry.run = undefined;
    this.#takenBack += 1;
    if (this.#takenBack > 64 && this.#takenBack > this.#heap.length / 2) this.#compact();
  }

  /** Looks out for stalls until it is called once more with false. */
  watch(begins: boolean): void {
    this.#watched += begins ? 1 : -1;
    if (begins && this.#watched === 1) this.#arm();
  }

  close(): void {
    this.#timer?.stop();
    this.#timer = undefined;
    this.#heap = [];
  }

  #wake(dueMs: number): void {
    this.#timer = undefined;
    const stall = this.#stalls.note(dueMs);
    if (stall > 0) this.#onStall(stall);
    const now = this.#clock.nowMs();
    this.#isAwake = true;
    try {
      for (let first = this.#heap[0]; first && first.atMs <= now; first = this.#heap[0]) {
        this.#pop();
        const { run } = first;
        first.run = undefined;
        if (run === undefined) this.#takenBack -= 1;
        else run();
      }
    } finally {
      this.#isAwake = false;
      this.#arm();
    }
  }

  #arm(): void {
    if (this.#isAwake) return;
    const first = this.#heap[0];
    const now = this.#clock.nowMs();
    const nextMs = first === undefined ? Number.POSITIVE_INFINITY : Math.max(first.atMs, now);
    const dueMs = this.#watched > 0 ? Math.min(nextMs, now + BEAT_MS) : nextMs;
    if (dueMs === Number.POSITIVE_INFINITY || (this.#timer && this.#timer.dueMs <= dueMs)) return;
    this.#timer?.stop();
    // A timer of Node is due at whole milliseconds, and must not run before the entry.
    const delayMs = Math.min(Math.ceil(dueMs - now), 0x7fffffff);
    const wakeMs = now + delayMs;
    this.#timer = { dueMs: wakeMs, stop: this.#clock.after(delayMs, () => this.#wake(wakeMs)) };
  }

  #compact(): void {
    const left = this.#heap.filter((entry) => entry.run !== undefined);
    this.#heap = [];
    this.#takenBack = 0;
    for (const entry of left) this.#push(entry);
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.length;
    for (; at > 0; ) {
      const above = (at - 1) >> 1;
      const parent = heap[above] as Entry;
      if (parent.atMs <= entry.atMs) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Entry;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && (heap[below + 1] as Entry).atMs < (heap[below] as Entry).atMs) below += 1;
      const child = heap[below] as Entry;
      if (child.atMs >= last.atMs) break;
      heap[at] = child;
      at = below;
    }
    heap[at] = last;
  }
}
