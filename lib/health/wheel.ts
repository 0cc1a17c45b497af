/**
 * When probes begin. Each has its place in its interval, and the places are spread evenly, so that many servers are
 * never asked in step. At most so many are under way at once; the others wait in order, and those that begin late are
 * counted.
 */
import { Agenda, type Entry } from './agenda.js';
import type { Clock } from './clock.js';
import type { NextCheck } from './rules/check-state.js';
import { Stalls } from './stalls.js';
import type { Timing } from './timing.js';

/** What the wheel turns. */
export interface Turned {
  readonly timing: Timing;
  /** Begins; calls `finished` once, with when to begin next; undefined stands for as soon as a place is there. */
  begin(finished: (next: NextCheck | 'again') => void): void;
}

/** A stall from this on, in milliseconds, spreads what is due anew. */
const SPREAD_FROM_MS = 100;
/** A probe that begins later than this, in milliseconds, is late. */
const LATE_MS = 100;
const TELL_EVERY_MS = 10_000;
/** Multiples of the golden ratio, without their whole part, lie evenly however many there are. */
const GOLDEN = 0.6180339887498949;

const UNWANTED = { willRest: false, isWanted: false };

interface Spoke {
  readonly turned: Turned;
  /** The place in the interval that jitter varies. */
  gridMs: number;
  dueMs: number;
  entry: Entry | undefined;
  state: 'resting' | 'due' | 'waiting' | 'running';
  /** To rest when what is under way has ended. */
  willRest: boolean;
  /** To begin anew as soon as what is under way has ended. */
  isWanted: boolean;
}

export class Wheel {
  readonly stalls: Stalls;
  readonly agenda: Agenda;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #atOnce: number;
  readonly #tellLate: (checks: number, latestMs: number) => void;
  readonly #spokes = new Map<Turned, Spoke>();
  #waiting: Spoke[] = [];
  #underWay = 0;
  #placed = 0;
  #late = { checks: 0, latestMs: 0, toldMs: Number.NEGATIVE_INFINITY };

  constructor(
    clock: Clock,
    random: () => number,
    atOnce: number,
    tellLate: (checks: number, latestMs: number) => void,
  ) {
    this.#clock = clock;
    this.#random = random;
    this.#atOnce = atOnce;
    this.#tellLate = tellLate;
    this.stalls = new Stalls(clock);
    this.agenda = new Agenda(clock, this.stalls, (stallMs) => this.#spreadAnew(stallMs));
  }

  /** How many probes are under way. */
  get underWay(): number {
    return this.#underWay;
  }

  /** Begins to turn it; the first time lies within its warm-up. */
  add(turned: Turned): void {
    const spoke: Spoke = { turned, gridMs: 0, dueMs: 0, entry: undefined, state: 'resting', ...UNWANTED };
    this.#spokes.set(turned, spoke);
    this.#place(spoke, turned.timing.warmUpMs);
  }

  /** Turns it no more. What is under way ends by itself. */
  remove(turned: Turned): void {
    this.rest(turned);
    this.#spokes.delete(turned);
  }

  rest(turned: Turned): void {
    const spoke = this.#spokes.get(turned);
    if (spoke === undefined || spoke.state === 'resting') return;
    spoke.isWanted = false;
    if (spoke.state === 'running') {
      spoke.willRest = true;
      return;
    }
    this.agenda.cancel(spoke.entry);
    if (spoke.state === 'waiting') this.#waiting = this.#waiting.filter((each) => each !== spoke);
    spoke.state = 'resting';
  }

  resume(turned: Turned): void {
    const spoke = this.#spokes.get(turned);
    if (spoke?.state === 'running') spoke.willRest = false;
    if (spoke?.state === 'resting') this.#place(spoke, turned.timing.warmUpMs);
  }

  isResting(turned: Turned): boolean {
    const spoke = this.#spokes.get(turned);
    return spoke === undefined || spoke.state === 'resting' || spoke.willRest;
  }

  /** Begins as soon as there is a place, whenever it is due. */
  hurry(turned: Turned): void {
    const spoke = this.#spokes.get(turned);
    if (spoke?.state === 'running') spoke.isWanted = true;
    if (spoke?.state !== 'due') return;
    this.agenda.cancel(spoke.entry);
    spoke.dueMs = this.#clock.nowMs();
    this.#ready(spoke);
  }

  /** When it begins next; undefined while it rests. */
  dueMs(turned: Turned): number | undefined {
    const spoke = this.#spokes.get(turned);
    return spoke === undefined || this.isResting(turned) ? undefined : spoke.dueMs;
  }

  close(): void {
    this.agenda.close();
    this.#spokes.clear();
    this.#waiting = [];
  }

  #place(spoke: Spoke, overMs: number): void {
    this.#placed += 1;
    spoke.gridMs = this.#clock.nowMs() + ((this.#placed * GOLDEN) % 1) * overMs;
    this.#due(spoke, spoke.gridMs);
  }

  #due(spoke: Spoke, dueMs: number): void {
    spoke.state = 'due';
    spoke.dueMs = dueMs;
    spoke.entry = this.agenda.at(dueMs, () => this.#ready(spoke));
  }

  #ready(spoke: Spoke): void {
    if (this.#underWay < this.#atOnce) return this.#begin(spoke);
    spoke.state = 'waiting';
    this.#waiting.push(spoke);
  }

  #begin(spoke: Spoke): void {
    this.#countLate(this.#clock.nowMs() - spoke.dueMs);
    spoke.state = 'running';
    this.#underWay += 1;
    this.agenda.watch(true);
    let isOver = false;
    spoke.turned.begin((next) => {
      if (isOver) return;
      isOver = true;
      this.#underWay -= 1;
      this.agenda.watch(false);
      if (this.#spokes.get(spoke.turned) === spoke) this.#again(spoke, next);
      const waiting = this.#waiting.shift();
      if (waiting) this.#begin(waiting);
    });
  }

  #again(spoke: Spoke, next: NextCheck | 'again'): void {
    const { intervalMs, downIntervalMs, retryDelayMs, jitter } = spoke.turned.timing;
    const now = this.#clock.nowMs();
    if (spoke.willRest) {
      Object.assign(spoke, UNWANTED, { state: 'resting' });
      return;
    }
    if (spoke.isWanted) {
      spoke.isWanted = false;
      return this.#due(spoke, now);
    }
    if (next === 'retry') return this.#due(spoke, now + retryDelayMs);
    if (next === 'again') return this.#due(spoke, now + this.#random() * intervalMs);
    const stepMs = next === 'downInterval' ? downIntervalMs : intervalMs;
    // Retries and slow answers take time; the place in the interval stays, so that the spread does.
    spoke.gridMs += stepMs * Math.max(1, Math.ceil((now - spoke.gridMs) / stepMs));
    this.#due(spoke, Math.max(now, spoke.gridMs + (this.#random() - 0.5) * jitter * stepMs));
  }

  /** What was due meanwhile comes over as long a time as the stall took, in the reverse order. */
  #spreadAnew(stallMs: number): void {
    if (stallMs < SPREAD_FROM_MS) return;
    const now = this.#clock.nowMs();
    for (const spoke of this.#spokes.values()) {
      if (spoke.state !== 'due' || spoke.dueMs > now) continue;
      this.agenda.cancel(spoke.entry);
      const overdueMs = (now - spoke.dueMs) % spoke.turned.timing.intervalMs;
      spoke.gridMs = now + overdueMs;
      this.#due(spoke, spoke.gridMs);
    }
  }

  #countLate(lateMs: number): void {
    const now = this.#clock.nowMs();
    if (lateMs > LATE_MS) {
      this.#late.checks += 1;
      this.#late.latestMs = Math.max(this.#late.latestMs, lateMs);
    }
    if (this.#late.checks === 0 || now < this.#late.toldMs + TELL_EVERY_MS) return;
    const { checks, latestMs } = this.#late;
    this.#late = { checks: 0, latestMs: 0, toldMs: now };
    this.#tellLate(checks, latestMs);
  }
}
