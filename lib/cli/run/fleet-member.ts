/** Makes a running director a member of its fleet: it follows the configuration, and tells what it is. */
import { hostname } from 'node:os';
import type { Attachment } from '../../daemon/daemon.js';
import { DEFAULT_NAME } from '../../daemon/daemon-name.js';
import type { Director } from '../../director/director.js';
import { type Drained, DrainedRole } from '../../fleet/drained-role.js';
import type { EtcdClient } from '../../fleet/etcd/client.js';
import type { Layout } from '../../fleet/layout.js';
import type { LeaseKeeper } from '../../fleet/lease-keeper.js';
import type { FleetCondition, Member, Membership } from '../../fleet/membership.js';
import { type DrainWish, parseDrain } from '../../fleet/overview.js';
import { type MemberFacts, Publisher } from '../../fleet/publisher.js';
import type { SharedChecks } from '../../fleet/shared-checks.js';
import { isSameConfiguration, type Snapshot } from '../../fleet/snapshot.js';
import { FleetSource } from '../../fleet/source.js';
import type { ConfigurationFrom } from '../../fleet/state.js';
import type { HealthSlot } from '../../health/view.js';
import { packageVersion } from '../../values/package-version.js';
import type { Role } from '../../values/role.js';
import { memberOf } from './fleet-options.js';
import { ageText } from './fleet-words.js';
import type { RunOptions } from './options.js';
import type { Tell } from './teller.js';

export interface FleetMemberParts {
  options: RunOptions;
  client: EtcdClient;
  layout: Layout;
  lease: LeaseKeeper;
  /** How long a failed reading waits before the next: from, and to, in milliseconds. */
  retryMs: readonly [number, number];
  /** Absent where each director checks by itself. */
  shared?: SharedChecks;
  tell: () => Tell;
  health?: HealthSlot;
  /** What was read last; it is in force unless it was refused. */
  known: { snapshot: Snapshot; from: ConfigurationFrom };
  inForce: () => { snapshot: Snapshot; from: ConfigurationFrom; refused: string | undefined };
  /** etcd holds this; it may be what is in force by the cache. */
  confirm(snapshot: Snapshot): void;
  /** Puts another configuration into force; rejects, after telling so, when it is refused. */
  take(snapshot: Snapshot): Promise<void>;
  membership: Membership;
  /** As it was when the director was opened. */
  drained: Drained | undefined;
  /** The director is drained from now on, or no longer, or somebody has set its role. */
  keepDrain(drain: (Drained & { wish: string }) | undefined): void;
}

export function fleetMember(parts: FleetMemberParts): Attachment {
  const member = new FleetMember(parts);
  let ended: Promise<unknown> | undefined;
  return ({ director }) => ({
    listen: () => member.begin(director),
    detach: () => {
      ended = member.close();
    },
    end: async () => {
      await ended;
    },
  });
}

class FleetMember implements Member {
  readonly #parts: FleetMemberParts;
  readonly #name: string;
  readonly #source: FleetSource;
  readonly #startedAtMs = Date.now();
  #publisher: Publisher | undefined;
  /** When it went away last; from the start where it was not there then. */
  #awaySinceMs = this.#startedAtMs;
  #role: DrainedRole | undefined;
  /** What was compared last: there may be very many keys. */
  #compared: { pair: readonly Snapshot['entries'][]; isSame: boolean } | undefined;
  #wish: { text: string; drain: DrainWish } | undefined;

  constructor(parts: FleetMemberParts) {
    const { options, client, layout, retryMs } = parts;
    this.#parts = parts;
    this.#name = memberOf(options);
    const events = {
      changed: (snapshot: Snapshot) => void this.#take(snapshot),
      drains: (snapshot: Snapshot) => this.#takeDrains(snapshot),
      away: (error: Error) => this.#away(error),
      back: (snapshot: Snapshot) => this.#back(snapshot),
    };
    this.#source = new FleetSource(client, layout, events, { retryMs });
  }

  begin(director: Director): void {
    const { layout, lease, shared, health, known, inForce, membership, drained } = this.#parts;
    this.#role = new DrainedRole(director, drained);
    this.#publisher = new Publisher({
      ...{ director, lease, facts: () => this.#facts(), key: layout.state(this.#name) },
      ...(health && { health }),
    });
    this.#source.begin(known.snapshot, { isFresh: known.from === 'etcd' });
    this.#takeDrains(known.snapshot);
    membership.fill(this);
    this.#publisher.begin();
    lease.begin();
    shared?.begin(() => this.#publisher?.changed());
    const { snapshot, from } = inForce();
    const revision = snapshot.changedAt;
    const where = `of ${from === 'etcd' ? 'etcd' : 'the cache'}`;
    const sentence = `revision ${revision} ${where} is in force, as ${this.#name} of ${layout.prefix}`;
    this.#tell('info', 'fleet.revision', sentence, { revision, from, member: this.#name, prefix: layout.prefix });
  }

  async close(): Promise<void> {
    const { lease, shared } = this.#parts;
    this.#publisher?.close();
    await Promise.all([this.#source.close(), shared?.close(), lease.close()]);
  }

  #tell(...told: Parameters<Tell>): void {
    this.#parts.tell()(...told);
  }

  #facts(): MemberFacts {
    const { options, inForce, shared } = this.#parts;
    const { snapshot, from, refused } = inForce();
    return {
      ...{ member: this.#name, host: hostname(), name: options.name ?? DEFAULT_NAME, version: packageVersion() },
      ...{ pid: process.pid, startedAtMs: this.#startedAtMs, revision: snapshot.changedAt, from },
      ...(refused !== undefined && { refused: refused.split('\n', 1)[0] as string }),
      ...(this.#role && { role: this.#role.role }),
      ...(this.#wish && { drainSinceMs: this.#wish.drain.sinceMs }),
      ...(shared && { probedServices: shared.probed }),
    };
  }

  async #take(snapshot: Snapshot): Promise<void> {
    const { changedAt: revision } = snapshot;
    try {
      await this.#parts.take(snapshot);
      this.#tell('info', 'fleet.revision', `revision ${revision} of etcd is in force`, { revision });
    } catch {
      // It has told why.
    }
    this.#publisher?.changed();
  }

  condition(): FleetCondition {
    const { layout, client, lease, inForce, shared } = this.#parts;
    const { snapshot, from, refused } = inForce();
    const { isConnected, turnedAtMs: sinceMs, known = snapshot } = this.#source;
    return {
      ...{ prefix: layout.prefix, member: this.#name, isConnected, sinceMs, endpoint: client.endpoint },
      ...{ revision: snapshot.changedAt, from },
      newestRevision: this.#isInForce(known, snapshot) ? snapshot.changedAt : known.changedAt,
      ...(refused !== undefined && { refused }),
      hasLease: lease.lease !== undefined,
      ...(this.#wish && { drain: this.#wish.drain }),
      ...(shared && { probedServices: shared.probedServices }),
    };
  }

  /** A key that is gone has no revision when all is read anew, so revisions alone do not say it. */
  #isInForce({ entries }: Snapshot, inForce: Snapshot): boolean {
    const pair = [entries, inForce.entries] as const;
    if (this.#compared?.pair.every((each, at) => each === pair[at])) return this.#compared.isSame;
    const isSame = isSameConfiguration({ entries }, inForce);
    this.#compared = { pair, isSame };
    return isSame;
  }

  setRole(role: Role): void {
    const held = this.#role as DrainedRole;
    held.set(role);
    if (!this.#wish) return;
    this.#keepDrain();
    const fields = { member: this.#name, role };
    if (role === 'active')
      this.#tell('warn', 'fleet.drain', `somebody has made ${this.#who} active, which is to be drained`, fields);
  }

  get #who(): string {
    return `this director (${this.#name})`;
  }

  #takeDrains({ drains }: Snapshot): void {
    const text = drains.get(this.#name);
    const before = this.#wish;
    const drain = text === undefined ? undefined : parseDrain(text);
    this.#wish = text === undefined || drain === undefined ? undefined : { text, drain: dated(drain, before?.drain) };
    if (this.#wish?.text !== before?.text || !this.#wish) {
      if (this.#wish) this.#drain(this.#wish.drain, before === undefined);
      else this.#undrain();
      this.#keepDrain();
    }
    this.#publisher?.changed();
  }

  #drain({ by }: DrainWish, isFirst: boolean): void {
    const held = this.#role as DrainedRole;
    // The director before this process was active against the wish.
    const isTakenOver = isFirst && held.isOverruled;
    const wish = by === undefined ? '' : `, as ${by} wishes`;
    const fields = { member: this.#name };
    try {
      if (!isTakenOver) held.drain();
    } catch (error) {
      const mend = 'mend that, and make it a standby by "tunvs role standby"';
      const why = `${(error as Error).message}: ${mend}`;
      const sentence = `${this.#who} is to be drained${wish}, and is active still: ${why}`;
      return this.#tell('error', 'fleet.drain', sentence, fields);
    }
    const now = isTakenOver ? 'it is active all the same, as somebody has set it so' : 'it is a standby now';
    this.#tell('warn', 'fleet.drain', `${this.#who} is to be drained${wish}: ${now}`, fields);
  }

  #undrain(): void {
    const held = this.#role as DrainedRole;
    if (held.drained === undefined) return;
    const { before } = held.drained;
    const fields = { member: this.#name };
    try {
      held.undrain();
    } catch (error) {
      const mend = 'mend that, and try again by "tunvs role active"';
      const why = `${(error as Error).message}: ${mend}`;
      const sentence = `${this.#who} is no longer to be drained, and stays a standby: ${why}`;
      return this.#tell('error', 'fleet.undrain', sentence, fields);
    }
    const now = held.role === 'active' ? 'active' : 'a standby';
    const why = before === undefined ? 'as somebody has set it meanwhile' : 'as before';
    const sentence = `${this.#who} is no longer to be drained: it is ${now}, ${why}`;
    this.#tell('info', 'fleet.undrain', sentence, fields);
  }

  #keepDrain(): void {
    const drained = this.#role?.drained;
    this.#parts.keepDrain(this.#wish && drained && { ...drained, wish: this.#wish.text });
  }

  #away({ message }: Error): void {
    this.#awaySinceMs = this.#source.turnedAtMs;
    const revision = this.#parts.inForce().snapshot.changedAt;
    this.#tell('error', 'fleet.away', `etcd is away, and revision ${revision} stays in force: ${message}`, {
      revision,
    });
  }

  #back(snapshot: Snapshot): void {
    this.#parts.confirm(snapshot);
    this.#publisher?.changed();
    const awayMs = Date.now() - this.#awaySinceMs;
    this.#tell('info', 'fleet.back', `etcd is back after ${ageText(awayMs)}`, { awayMs });
  }
}

/** A wish that says no time is as old as this director knows. */
const dated = (drain: DrainWish, before: DrainWish | undefined): DrainWish => ({
  ...drain,
  sinceMs: drain.sinceMs || before?.sinceMs || Date.now(),
});
