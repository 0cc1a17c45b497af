/**
 * Keeps a host as it is wanted: hears of changes, reads the host beside the event loop, puts back what is missing and
 * says so. A check that is overtaken by changes of the owner's begins anew, so it never judges by what was.
 *
 * Invariants: one check at a time; nothing is put back after close(); no timer keeps the process alive.
 */
import type { HostCounts } from '../stats/host-counts.js';
import { toTunvsError, wrapNative } from '../values/errors.js';
import { native } from '../native/addon.js';
import type { NativeHostChange } from '../native/host.js';
import { Contention, type ContentionOptions } from './contention.js';
import type { MissingStep } from './held-parts.js';
import { type Host, thisHost } from './host.js';
import { contested, type HostEvent, mended, notMended, thingsOf } from './host-event.js';
import { ROUTE_PROTOCOL } from './route-protocol.js';
import { type SnapshotHost, takeSnapshot } from './snapshot.js';

/** What is wanted of a host. */
export interface Wanted {
  /** Changes with every change of what is wanted. */
  readonly generation: number;
  /** Sees what has changed on the host; this may change what is wanted. */
  see(snapshot: SnapshotHost): void;
  /** Makes missing() quick, with turns of the event loop in between. */
  prepare(snapshot: SnapshotHost): Promise<void>;
  /** Returns the steps in the order in which they must be put back. Pure. */
  missing(snapshot: SnapshotHost): MissingStep[];
  putBack(missing: readonly MissingStep[]): (Error | undefined)[];
  takeBackStale(snapshot: SnapshotHost): void;
  /** Our devices, which a network manager must leave alone. */
  readonly devices: readonly string[];
}

export interface KeeperBacking {
  /** Sysctls are read here. */
  live: Host;
  takeSnapshot(signal: AbortSignal): Promise<SnapshotHost>;
  /** Throws where there is no rtnetlink; then the keeper looks at the host every ten seconds. */
  monitor(changed: (kinds: NativeHostChange[]) => void): { close(): void };
  nowMs(): number;
  report(event: HostEvent): void;
}

/** Changes come in bursts: a check waits until none has come for this long, */
const QUIET_MS = 50;
/** but it waits no longer than this. */
const LONGEST_WAIT_MS = 250;
/** Checks take at most one part in this many of the time. */
const REST = 5;
/** The time between two looks at sysctls, since the kernel announces changes of few of them. */
const SYSCTL_INTERVAL_MS = 1000;
const RETRY_MS = 1000;
const UNREADABLE_RETRY_MS = 5000;
const BLIND_INTERVAL_MS = 10_000;
/** Steps that are put back between two turns of the event loop. */
const MOST_AT_ONCE = 256;
/** A check that is overtaken this often waits for calm. */
const MOST_ATTEMPTS = 5;

export class HostKeeper {
  readonly counts: HostCounts = { mended: 0, contested: 0 };
  readonly #backing: KeeperBacking;
  readonly #wanted: Wanted;
  readonly #contention: Contention;
  readonly #ending = new AbortController();
  readonly #monitor: { close(): void } | undefined;
  readonly #poll: NodeJS.Timeout;
  #kinds = new Set<NativeHostChange>();
  #timer: NodeJS.Timeout | undefined;
  /** The time of the first change that is still to be looked at. */
  #waitingSinceMs: number | undefined;
  #restUntilMs = 0;
  /** The time at which what could not be put back is tried again. */
  #retryAtMs: number | undefined;
  #running: Promise<unknown> = Promise.resolve();
  #isRunning = false;
  /** The sysctls that the last plan read. */
  #sysctls: ReadonlyMap<string, string | undefined> = new Map();
  #wasUnreadable = false;
  #lastNotMended = '';

  constructor(wanted: Wanted, backing: KeeperBacking, contention: ContentionOptions = {}) {
    this.#wanted = wanted;
    this.#backing = backing;
    this.#contention = new Contention(contention);
    let interval = SYSCTL_INTERVAL_MS;
    try {
      this.#monitor = backing.monitor((kinds) => this.#changed(kinds));
    } catch (error) {
      interval = BLIND_INTERVAL_MS;
      const message = `changes of this host are noticed after ten seconds instead of at once: ${(error as Error).message}`;
      this.#reportLater({ type: 'hostUnreadable', value: 0, message, cause: error });
    }
    this.#poll = setInterval(() => this.#lookAtSysctls(), interval).unref();
    this.#changed([]);
  }

  /** Looks at the host now and puts everything back, even what was left alone; returns how many things that were. */
  async mend(): Promise<number> {
    this.#contention.forget();
    this.#lastNotMended = '';
    // A check that is under way may be the one that puts it back.
    const before = this.counts.mended;
    while (this.#isRunning) await this.#running;
    await this.#begin(true);
    return this.counts.mended - before;
  }

  /** Calling it twice is fine. */
  close(): void {
    this.#ending.abort();
    this.#monitor?.close();
    clearTimeout(this.#timer);
    clearInterval(this.#poll);
  }

  get #isClosed(): boolean {
    return this.#ending.signal.aborted;
  }

  #reportLater(event: HostEvent): void {
    setImmediate(() => this.#report(event));
  }

  #report(event: HostEvent): void {
    if (!this.#isClosed) this.#backing.report(event);
  }

  #lookAtSysctls(): void {
    try {
      const hasChanged = [...this.#sysctls].some(([path, value]) => this.#backing.live.readSysctl(path) !== value);
      if (hasChanged || this.#monitor === undefined) this.#changed([]);
    } catch (error) {
      this.#unreadable(error);
    }
  }

  #changed(kinds: readonly NativeHostChange[]): void {
    if (this.#isClosed) return;
    for (const kind of kinds) this.#kinds.add(kind);
    const now = this.#backing.nowMs();
    this.#waitingSinceMs ??= now;
    const dueMs = Math.min(now + QUIET_MS, this.#waitingSinceMs + LONGEST_WAIT_MS);
    this.#checkIn(Math.max(dueMs, this.#restUntilMs) - now);
  }

  #checkIn(delayMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      // A check that is running looks again when it is done.
      if (!this.#isRunning) this.#begin(false).catch((error: unknown) => this.#unreadable(error));
    }, delayMs).unref();
  }

  #begin(isAsked: boolean): Promise<number> {
    this.#isRunning = true;
    const beganMs = this.#backing.nowMs();
    const run = this.#check(isAsked).finally(() => {
      this.#isRunning = false;
      const now = this.#backing.nowMs();
      this.#restUntilMs = now + (REST - 1) * (now - beganMs);
      if (this.#isClosed) return;
      const nextMs = Math.min(this.#contention.nextMs(now) ?? Infinity, this.#retryAtMs ?? Infinity);
      if (this.#waitingSinceMs !== undefined) this.#changed([]);
      else if (nextMs < Infinity) this.#checkIn(nextMs - now);
    });
    // Its owner learns of it by the event of #check, or by the promise that mend() returns.
    this.#running = run.catch(() => {});
    return run;
  }

  async #check(isAsked: boolean): Promise<number> {
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      this.#waitingSinceMs = undefined;
      this.#retryAtMs = undefined;
      const before = this.#wanted.generation;
      const snapshot = await this.#read();
      if (snapshot === undefined) return 0;
      if (this.#wanted.generation !== before) continue;
      this.#wasUnreadable = false;
      this.#wanted.see(snapshot);
      if (this.#wanted.generation === before) await this.#wanted.prepare(snapshot);
      if (this.#isClosed) return 0;
      if (this.#wanted.generation !== before) continue;
      const missing = this.#wanted.missing(snapshot);
      this.#sysctls = snapshot.sysctls;
      const isLinkChange = this.#kinds.has('link');
      this.#kinds.clear();
      this.#wanted.takeBackStale(snapshot);
      const now = this.#backing.nowMs();
      const due = missing.filter(({ thing }) => isAsked || this.#contention.allows(thing, now));
      return this.#putBack(due, isLinkChange && !isAsked);
    }
    this.#changed([]);
    return 0;
  }

  /** Returns undefined when the keeper was closed meanwhile. */
  async #read(): Promise<SnapshotHost | undefined> {
    try {
      const snapshot = await this.#backing.takeSnapshot(this.#ending.signal);
      return this.#isClosed ? undefined : snapshot;
    } catch (error) {
      if (this.#isClosed) return undefined;
      throw error;
    }
  }

  /** With `isLinkChange`, nobody took away what went with a device that went down. */
  async #putBack(missing: readonly MissingStep[], isLinkChange: boolean): Promise<number> {
    const back: MissingStep[] = [];
    const failed: MissingStep[] = [];
    let error: Error | undefined;
    for (let begin = 0; begin < missing.length; begin += MOST_AT_ONCE) {
      const generation = this.#wanted.generation;
      if (begin > 0) await new Promise((resolve) => setImmediate(resolve));
      if (this.#isClosed) return 0;
      if (this.#wanted.generation !== generation) {
        this.#changed([]);
        break;
      }
      const chunk = missing.slice(begin, begin + MOST_AT_ONCE);
      for (const [index, result] of this.#wanted.putBack(chunk).entries()) {
        (result === undefined ? back : failed).push(chunk[index] as MissingStep);
        error ??= result;
      }
    }
    const things = thingsOf(back);
    this.counts.mended += things.length;
    if (things.length > 0) this.#report(mended(things));
    if (error !== undefined) this.#tellNotMended(thingsOf(failed), error);
    this.#contend(
      isLinkChange ? [...back, ...failed].filter(({ step }) => isOfLink(step.command)) : [...back, ...failed],
    );
    return things.length;
  }

  #tellNotMended(things: readonly string[], error: Error): void {
    if (things.length === 0) return;
    const event = notMended(things, error);
    // It is tried again every second, but reported once.
    if (event.message !== this.#lastNotMended) this.#report(event);
    this.#lastNotMended = event.message;
    this.#retryAtMs = this.#backing.nowMs() + RETRY_MS;
  }

  #contend(missing: readonly MissingStep[]): void {
    const now = this.#backing.nowMs();
    const byPause = new Map<number, string[]>();
    for (const thing of thingsOf(missing)) {
      const pauseMs = this.#contention.note(thing, now);
      if (pauseMs !== undefined) byPause.set(pauseMs, [...(byPause.get(pauseMs) ?? []), thing]);
    }
    for (const [pauseMs, things] of byPause) {
      this.counts.contested += things.length;
      this.#report(contested(things, this.#contention.limit, pauseMs, this.#wanted.devices));
    }
  }

  #unreadable(error: unknown): void {
    if (this.#isClosed) return;
    const { message } = toTunvsError(error);
    if (!this.#wasUnreadable) this.#report({ type: 'hostUnreadable', value: 1, message, cause: error });
    this.#wasUnreadable = true;
    this.#waitingSinceMs = undefined;
    this.#checkIn(UNREADABLE_RETRY_MS);
  }
}

/** Makes the keeper of this host. */
export function hostKeeper(wanted: Wanted, report: (event: HostEvent) => void): HostKeeper {
  return new HostKeeper(wanted, {
    live: thisHost,
    takeSnapshot: (signal) => takeSnapshot(thisHost, signal),
    monitor: (changed) => {
      const listener = (bits: number) => changed(native.hostChanges.filter((_, index) => (bits >> index) & 1));
      return wrapNative(() => new native.HostMonitor({ routeProtocol: Number(ROUTE_PROTOCOL) }, listener));
    },
    nowMs: () => performance.now(),
    report,
  });
}

function isOfLink(command: MissingStep['step']['command']): boolean {
  return 'argv' in command && command.argv[1] === 'link';
}
