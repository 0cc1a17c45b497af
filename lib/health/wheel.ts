/**
 * When probes begin. Each has its place in its interval, and the places are spread evenly, so that many servers are
 * never asked in step. At most so many are under way at once, and no more than twice as many as usual begin in any short
 * time; the others wait in order, and those that begin late are counted.
 */
import { Agenda, type Entry } from './agenda.js';
import type { Clock } from './clock.js';
import type { LateChecksEvent } from './events.js';
import type { NextCheck } from './rules/check-state.js';
import { Stalls } from './stalls.js';
import type { Timing } from './timing.js';

/** What the wheel turns. */
export interface Turned {
  readonly timing: Timing;
  /** Begins; calls `finished` once, with when to begin next; undefined stands for as soon as a place is there. */
  begin(finished: (next: NextCheck | 'again') => void): void;
}

/** A probe that begins later than this after it was due, in milliseconds, is late. */
const LATE_MS = 100;
const TELL_EVERY_MS = 10_000;
/** No more than twice as many as usual, and these at least, begin within so many milliseconds. */
const SLOT_MS = 10;
const LEAST_IN_SLOT = 4;
/** A busy loop is late for its slots, and may make up for so many milliseconds at once. */
const MADE_UP_MS = 50;
/** Multiples of the golden ratio, without their whole part, lie evenly however many there are. */
const GOLDEN = 0.6180339887498949;

const NOT_LATE: LateChecksEvent = { checks: 0, latestMs: 0, busyMs: 0 };
const UNWANTED = { willRest: false, isWanted: false };

interface Spoke {
  readonly turned: Turned;
  /** The place in the interval that jitter varies. */
  gridMs: number;
  dueMs: number;
  /** For how much of its wait this process was busy or stopped, in milliseconds. */
  busyMs: number;
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
  readonly #tellLate: (event: LateChecksEvent) => void;
  readonly #spokes = new Map<Turned, Spoke>();
  #waiting: Spoke[] = [];
  #underWay = 0;
  #placed = 0;
  /** How many begin in a millisecond on average. */
  #rate = 0;
  #slot = { endsMs: Number.NEGATIVE_INFINITY, left: 0 };
  #nextSlot: Entry | undefined;
  #late: LateChecksEvent = NOT_LATE;
  #lateToldMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, random: () => number, atOnce: number, tellLate: (event: LateChecksEvent) => void) {
    this.#clock = clock;
    this.#random = random;
    this.#atOnce = atOnce;
    this.#tellLate = tellLate;
    this.stalls = new Stalls(clock);
    this.agenda = new Agenda(clock, this.stalls);
  }

  /** How many probes are under way. */
  get underWay(): number {
    return this.#underWay;
  }

  /** Begins to turn it; the first time lies within its warm-up. */
  add(turned: Turned): void {
    const spoke: Spoke = { turned, gridMs: 0, dueMs: 0, busyMs: 0, entry: undefined, state: 'resting', ...UNWANTED };
    this.#spokes.set(turned, spoke);
    this.#rate += 1 / turned.timing.intervalMs;
    this.#place(spoke, turned.timing.warmUpMs);
  }

  /** Turns it no more. What is under way ends by itself. */
  remove(turned: Turned): void {
    this.rest(turned);
    if (this.#spokes.delete(turned)) this.#rate -= 1 / turned.timing.intervalMs;
    if (this.#spokes.size === 0) this.agenda.cancel(this.#nextSlot);
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
    spoke.state = 'waiting';
    // The agenda is late only as long as this process is.
    spoke.busyMs = this.#clock.nowMs() - spoke.dueMs - this.stalls.totalMs;
    this.#waiting.push(spoke);
    this.#beginWaiting();
  }

  #beginWaiting(): void {
    while (this.#waiting.length > 0 && this.#underWay < this.#atOnce) {
      const now = this.#clock.nowMs();
      if (now >= this.#slot.endsMs) this.#slot = { endsMs: now + SLOT_MS, left: this.#roomOfSlot() };
      if (this.#slot.left <= 0) {
        if (this.#nextSlot?.run === undefined)
          this.#nextSlot = this.agenda.at(this.#slot.endsMs, () => this.#beginWaiting());
        return;
      }
      this.#slot.left -= 1;
      this.#begin(this.#waiting.shift() as Spoke);
    }
  }

  #roomOfSlot(): number {
    const forMs = SLOT_MS + Math.min(MADE_UP_MS, this.agenda.lagMs);
    return Math.max(LEAST_IN_SLOT, Math.round(2 * this.#rate * forMs));
  }

  #begin(spoke: Spoke): void {
    this.#countLate(this.#clock.nowMs() - spoke.dueMs, spoke.busyMs + this.stalls.totalMs);
    spoke.state = 'running';
    this.#underWay += 1;
    let isOver = false;
    spoke.turned.begin((next) => {
      if (isOver) return;
      isOver = true;
      this.#underWay -= 1;
      if (this.#spokes.get(spoke.turned) === spoke) this.#again(spoke, next);
      this.#beginWaiting();
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
    // Many may have been in doubt at once; the slots keep those apart.
    if (next === 'again') return this.#due(spoke, now + this.#random() * Math.min(intervalMs, retryDelayMs));
    const stepMs = next === 'downInterval' ? downIntervalMs : intervalMs;
    // Retries and slow answers take time; the place in the interval stays, so that the spread does.
    spoke.gridMs += stepMs * Math.max(1, Math.ceil((now - spoke.gridMs) / stepMs));
    this.#due(spoke, Math.max(now, spoke.gridMs + (this.#random() - 0.5) * jitter * stepMs));
  }

  #countLate(lateMs: number, busyMs: number): void {
    const now = this.#clock.nowMs();
    if (lateMs > LATE_MS) {
      const isLatest = lateMs > this.#late.latestMs;
      this.#late = { ...this.#late, checks: this.#late.checks + 1, ...(isLatest && { latestMs: lateMs, busyMs }) };
    }
    if (this.#late.checks === 0 || now < this.#lateToldMs + TELL_EVERY_MS) return;
    const late = this.#late;
    this.#late = NOT_LATE;
    this.#lateToldMs = now;
    this.#tellLate(late);
  }
}
