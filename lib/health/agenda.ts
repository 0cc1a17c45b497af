/** What is to be done when: a heap of entries, and one timer for all of them. */
import type { Clock } from './clock.js';
import type { Stalls } from './stalls.js';

/** One thing to be done. Without `run` it was taken back. */
export interface Entry {
  readonly atMs: number;
  run: (() => void) | undefined;
}

/** While something is under way, the timer runs at least this often, in milliseconds, to see stalls. */
const BEAT_MS = 50;

export class Agenda {
  readonly #clock: Clock;
  readonly #stalls: Stalls;
  #heap: Entry[] = [];
  #takenBack = 0;
  readonly #underWay = new Set<() => void>();
  #timer: { dueMs: number; stop: () => void } | undefined;
  #isAwake = false;
  #lagMs = 0;

  constructor(clock: Clock, stalls: Stalls) {
    this.#clock = clock;
    this.#stalls = stalls;
  }

  /** How late the timer is that runs now, in milliseconds; 0 outside of it. */
  get lagMs(): number {
    return this.#lagMs;
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

  /**
   * Looks out for stalls until ended(cut). `cut` is called if the agenda closes before: no entry ends what is under way
   * then.
   */
  begun(cut: () => void): void {
    this.#underWay.add(cut);
    if (this.#underWay.size === 1) this.#arm();
  }

  ended(cut: () => void): void {
    this.#underWay.delete(cut);
  }

  close(): void {
    this.#timer?.stop();
    this.#timer = undefined;
    this.#heap = [];
    for (const cut of [...this.#underWay]) cut();
    this.#underWay.clear();
  }

  #wake(dueMs: number): void {
    this.#timer = undefined;
    this.#stalls.note(dueMs);
    const now = this.#clock.nowMs();
    this.#isAwake = true;
    this.#lagMs = now - dueMs;
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
      this.#lagMs = 0;
      this.#arm();
    }
  }

  #arm(): void {
    if (this.#isAwake) return;
    const first = this.#heap[0];
    const now = this.#clock.nowMs();
    const nextMs = first === undefined ? Number.POSITIVE_INFINITY : Math.max(first.atMs, now);
    const dueMs = this.#underWay.size > 0 ? Math.min(nextMs, now + BEAT_MS) : nextMs;
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
