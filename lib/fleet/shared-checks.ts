/**
 * Lets one director of a fleet check the servers of a service, and the others go by what it finds. The prober of a service
 * is whoever made the service's key, under a lease; it writes there what it finds. When the lease ends, the key does, and
 * another makes it.
 *
 * Invariants:
 * 1. Whoever does not know what a prober has found asks the server itself: while etcd is away, and between two probers.
 * 2. A failure that a prober has found counts for nobody who has not seen it as well, once: a prober that is cut off from
 *    the servers takes none away from the others.
 */
import type { RealServer } from '../director/virtual-service.js';
import type { Finding } from '../health/checks/check.js';
import type { Reach } from '../health/probe.js';
import { serviceName } from '../values/service-key.js';
import type { EtcdClient } from './etcd/client.js';
import { follow } from './follow.js';
import type { Layout } from './layout.js';
import type { LeaseKeeper } from './lease-keeper.js';
import {
  type Group,
  groupOf,
  groupText,
  isSameFinding,
  parseGroup,
  type SharedFindings,
  sharedKey,
} from './shared-finding.js';

export interface SharedChecksParts {
  client: EtcdClient;
  layout: Layout;
  lease: LeaseKeeper;
  /** What the fleet calls this director. */
  member: string;
}

export interface SharedChecksTimes {
  /** Whoever has few services takes a free one sooner: it waits so long for each that it has, in milliseconds. */
  waitMs: number;
  /** What was found so soon after each other is written at once, in milliseconds. */
  soonMs: number;
  retryMs: readonly [number, number];
  /** What is not checked for three times its interval, and this besides, is given up, in milliseconds. */
  graceMs: number;
  /** And this after a first check, when nobody knows its interval yet, in milliseconds. */
  firstMs: number;
}

const TIMES: SharedChecksTimes = { waitMs: 20, soonMs: 100, retryMs: [200, 5_000], graceMs: 10_000, firstMs: 300_000 };
const LONGEST_WAIT_MS = 2_000;
/** A value of etcd's holds so many findings. */
const MOST_CHECKS = 5_000;

/** What this director knows of a service. */
interface Shared {
  /** As its key has it. */
  name: string;
  service: string;
  /** As it stands in etcd; undefined while nobody has it. */
  group: Group | undefined;
  /** What this director has found as the prober; undefined while it is not. */
  own: Map<string, { finding: Finding; turns: number; atMs: number; everyMs: number }> | undefined;
  /** Failures of others that this director has seen itself: turns by key. */
  seen: Map<string, number>;
  attempt: NodeJS.Timeout | undefined;
  writing: NodeJS.Timeout | undefined;
}

export class SharedChecks {
  readonly #parts: SharedChecksParts;
  readonly #times: SharedChecksTimes;
  readonly #groups = new Map<string, Shared>();
  readonly #there = new Map<string, Group>();
  readonly #over = new AbortController();
  #isKnown = false;
  #changed: () => void = () => {};
  #following: Promise<void> | undefined;
  #tidying: NodeJS.Timeout | undefined;

  constructor(parts: SharedChecksParts, times: Partial<SharedChecksTimes> = {}) {
    this.#parts = parts;
    this.#times = { ...TIMES, ...times };
  }

  /** The services that this director checks for the fleet. */
  get probedServices(): string[] {
    return [...this.#groups.values()].filter(({ own }) => own !== undefined).map(({ service }) => service);
  }

  /** How many they are. */
  get probed(): number {
    return this.probedServices.length;
  }

  /** `changed` is told when this director checks more services, or fewer, for the fleet. */
  begin(changed: () => void = () => {}): void {
    this.#changed = changed;
    const { client, layout } = this.#parts;
    const prefix = layout.checks;
    const range = { key: prefix, end: `${prefix.slice(0, -1)}0` };
    const nameOf = (key: string) => key.slice(prefix.length);
    this.#following = follow(
      client,
      range,
      {
        read: ({ kvs }) => {
          this.#isKnown = true;
          const read = new Map(kvs.map(({ key, value }) => [nameOf(key), value]));
          for (const name of new Set([...this.#there.keys(), ...read.keys(), ...this.#groups.keys()]))
            this.#take(name, read.get(name));
        },
        changed: ({ changes }) => {
          for (const { key, value } of changes) this.#take(nameOf(key), value);
        },
        away: () => {
          this.#isKnown = false;
        },
      },
      { signal: this.#over.signal, retryMs: this.#times.retryMs },
    );
    this.#tidying = setInterval(() => this.#tidy(), this.#times.graceMs / 4);
    this.#tidying.unref();
  }

  async close(): Promise<void> {
    this.#over.abort();
    clearInterval(this.#tidying);
    for (const shared of this.#groups.values()) {
      clearTimeout(shared.attempt);
      clearTimeout(shared.writing);
    }
    await this.#following;
  }

  /** The lease is over, and so are its keys. */
  leaseChanged(): void {
    for (const shared of this.#groups.values()) {
      this.#giveUp(shared);
      this.#attemptSoon(shared);
    }
  }

  /** Answers in place of `reach` where a prober has. */
  share(reach: Reach): Reach {
    return async (check, server, how, signal) => {
      const key = sharedKey(check, server, how);
      if (key === undefined || this.#over.signal.aborted) return reach(check, server, how, signal);
      const shared = this.#sharedOf(server);
      const known = this.#isKnown && !shared.own ? shared.group : undefined;
      const there = known?.found.get(key);
      const isSeen = there !== undefined && (there.finding.passed || shared.seen.get(key) === there.turns);
      if (known && there && isSeen) return saidBy(known.by, there.finding);
      const finding = await reach(check, server, how, signal);
      if (shared.own) this.#note(shared, key, finding);
      else if (there && !finding.passed && !finding.isOwnFault) shared.seen.set(key, there.turns);
      return finding;
    };
  }

  #sharedOf(server: RealServer): Shared {
    const name = groupOf(server);
    const before = this.#groups.get(name);
    if (before) return before;
    const shared: Shared = {
      ...{ name, service: serviceName(server.service), group: this.#there.get(name), own: undefined, seen: new Map() },
      ...{ attempt: undefined, writing: undefined },
    };
    this.#groups.set(name, shared);
    this.#attemptSoon(shared);
    return shared;
  }

  #take(name: string, text: string | undefined): void {
    const group = text === undefined ? undefined : parseGroup(text);
    if (group) this.#there.set(name, group);
    else this.#there.delete(name);
    const shared = this.#groups.get(name);
    if (shared === undefined) return;
    shared.group = group;
    if (group?.by === this.#parts.member) return;
    // Somebody took the key away, or has it.
    this.#giveUp(shared);
    if (text === undefined) this.#attemptSoon(shared);
  }

  #giveUp(shared: Shared): void {
    if (shared.own === undefined) return;
    shared.own = undefined;
    this.#changed();
  }

  #attemptSoon(shared: Shared): void {
    if (shared.own || shared.attempt || this.#over.signal.aborted) return;
    const waitMs = Math.min(this.probed * this.#times.waitMs, LONGEST_WAIT_MS) + Math.random() * 5 * this.#times.waitMs;
    shared.attempt = setTimeout(() => {
      shared.attempt = undefined;
      void this.#attempt(shared);
    }, waitMs);
    shared.attempt.unref();
  }

  /** Makes the service's key, unless somebody has it. */
  async #attempt(shared: Shared): Promise<void> {
    const { client, lease: keeper, member, layout } = this.#parts;
    const { lease } = keeper;
    if (lease === undefined || !this.#isKnown || shared.group) return;
    const value = groupText(member, shared.service, new Map());
    try {
      const there = await client.create(`${layout.checks}${shared.name}`, value, { lease, signal: this.#over.signal });
      if (there.lease !== lease || keeper.lease !== lease) return;
      shared.own = new Map();
      this.#changed();
    } catch {
      // Until somebody has the key everybody asks.
      if (!this.#over.signal.aborted) setTimeout(() => this.#attemptSoon(shared), this.#times.retryMs[1]).unref();
    }
  }

  #note(shared: Shared, key: string, finding: Finding): void {
    const own = shared.own as NonNullable<Shared['own']>;
    const before = own.get(key);
    const atMs = performance.now();
    // What this director cannot find out, the others had better find out themselves.
    if (finding.isOwnFault) {
      if (own.delete(key)) this.#writeSoon(shared);
      return;
    }
    if (before === undefined && own.size >= MOST_CHECKS) return;
    const turns = (before?.turns ?? 0) + (before && before.finding.passed === finding.passed ? 0 : 1);
    const everyMs = Math.max(before?.everyMs ?? 0, before ? atMs - before.atMs : 0);
    own.set(key, { finding, turns, atMs, everyMs });
    if (before === undefined || !isSameFinding(before.finding, finding)) this.#writeSoon(shared);
  }

  #writeSoon(shared: Shared): void {
    shared.writing ??= setTimeout(() => {
      shared.writing = undefined;
      void this.#write(shared);
    }, this.#times.soonMs);
    shared.writing.unref();
  }

  async #write(shared: Shared): Promise<void> {
    const { client, lease: keeper, member, layout } = this.#parts;
    const { lease } = keeper;
    if (shared.own === undefined || lease === undefined) return;
    const found: SharedFindings = shared.own;
    try {
      // With a lease that is over etcd refuses it, so that nobody writes over another prober.
      await client.put(`${layout.checks}${shared.name}`, groupText(member, shared.service, found), {
        lease,
        signal: this.#over.signal,
      });
    } catch {
      // It is written again later, or by the next prober.
      if (!this.#over.signal.aborted) setTimeout(() => this.#writeSoon(shared), this.#times.retryMs[0]).unref();
    }
  }

  /** A service that this director checks no longer, as on a standby, is another's. */
  #tidy(): void {
    const nowMs = performance.now();
    for (const [name, shared] of this.#groups) {
      if (shared.own === undefined) continue;
      let isChanged = false;
      for (const [key, { atMs, everyMs }] of shared.own) {
        const idleMs = everyMs === 0 ? this.#times.firstMs : 3 * everyMs + this.#times.graceMs;
        if (nowMs - atMs <= idleMs) continue;
        shared.own.delete(key);
        isChanged = true;
      }
      if (!isChanged) continue;
      if (shared.own.size > 0) this.#writeSoon(shared);
      else {
        this.#groups.delete(name);
        this.#changed();
        const { client, layout } = this.#parts;
        client.delete({ key: `${layout.checks}${name}` }, this.#over.signal).catch(() => {
          // It ends with the lease.
        });
      }
    }
  }
}

function saidBy(by: string, finding: Finding): Finding {
  return { ...finding, message: `${finding.message} (found by ${by})` };
}
