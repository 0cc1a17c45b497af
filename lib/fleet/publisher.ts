/** Tells a fleet what a director is and does, as soon as that has changed. */
import type { Director } from '../director/director.js';
import type { HealthSlot } from '../health/view.js';
import type { LeaseKeeper } from './lease-keeper.js';
import { type OwnState, ownState } from './own-state.js';
import type { MemberState } from './state.js';

/** What the director's daemon knows of it. */
export type MemberFacts = Omit<MemberState, keyof OwnState | 'connections' | 'atMs'>;

export interface PublisherParts {
  director: Director;
  health?: HealthSlot;
  lease: Pick<LeaseKeeper, 'set'>;
  key: string;
  /** Read each time. */
  facts: () => MemberFacts;
}

export interface PublisherTimes {
  /** Changes that come so soon after each other are told at once, in milliseconds. */
  soonMs: number;
  /** How often it looks without being told of a change, in milliseconds: connections come and go without a word. */
  lookMs: number;
  /** And while the director is drained, when somebody may wait for its connections to go. */
  drainedLookMs: number;
}

const TIMES: PublisherTimes = { soonMs: 300, lookMs: 15_000, drainedLookMs: 1_000 };

/** Where servers go up and down all the time, or connections are counted, it takes no larger part of this process's time. */
const MOST_LOAD = 0.05;

export class Publisher {
  readonly #parts: PublisherParts;
  readonly #times: PublisherTimes;
  readonly #offs: (() => void)[] = [];
  #connections = 0;
  #isDrained = false;
  #tookMs = 0;
  #soon: NodeJS.Timeout | undefined;
  #look: NodeJS.Timeout | undefined;

  constructor(parts: PublisherParts, times: Partial<PublisherTimes> = {}) {
    this.#parts = parts;
    this.#times = { ...TIMES, ...times };
  }

  begin(): void {
    const { director, health } = this.#parts;
    const changed = () => this.changed();
    for (const name of ['realServer', 'virtualService', 'role'] as const) {
      director.on(name, changed);
      this.#offs.push(() => director.off(name, changed));
    }
    if (health) this.#offs.push(health.listen('server', changed));
    this.#lookAgain();
  }

  #lookAgain(): void {
    this.#tell({ isLook: true });
    this.#wait();
  }

  #wait(): void {
    clearTimeout(this.#look);
    const { lookMs, drainedLookMs } = this.#times;
    const often = Math.max(drainedLookMs, this.#tookMs / MOST_LOAD);
    this.#look = setTimeout(() => this.#lookAgain(), this.#isDrained ? Math.min(often, lookMs) : lookMs);
    this.#look.unref();
  }

  /** Something of the facts is another. */
  changed(): void {
    if (this.#look === undefined) return;
    this.#soon ??= setTimeout(
      () => {
        this.#soon = undefined;
        this.#tell();
      },
      Math.max(this.#times.soonMs, this.#tookMs / MOST_LOAD),
    );
    this.#soon.unref();
  }

  /** REQUIRES: the director is still open. */
  close(): void {
    clearTimeout(this.#soon);
    clearTimeout(this.#look);
    this.#look = undefined;
    for (const off of this.#offs.splice(0)) off();
  }

  /** To count connections takes its time, so it is not done for each change. */
  #tell({ isLook = false } = {}): void {
    const { director, health, lease, key, facts } = this.#parts;
    const beganMs = performance.now();
    const told = facts();
    const isDrained = told.drainSinceMs !== undefined;
    const hasTurned = isDrained !== this.#isDrained;
    this.#isDrained = isDrained;
    if (isLook || hasTurned) {
      const { table } = director.stats();
      this.#connections = table.ipv4 + table.ipv6;
    }
    const own = ownState(director, health);
    const state: MemberState = { ...told, ...own, connections: this.#connections, atMs: Date.now() };
    lease.set(key, JSON.stringify(state));
    this.#tookMs = performance.now() - beganMs;
    if (hasTurned) this.#wait();
  }
}
