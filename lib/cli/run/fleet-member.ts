/** Makes a running director a member of its fleet: it follows the configuration, and tells what it is. */
import { hostname } from 'node:os';
import type { Attachment } from '../../daemon/daemon.js';
import { DEFAULT_NAME } from '../../daemon/daemon-name.js';
import type { Director } from '../../director/director.js';
import type { EtcdClient } from '../../fleet/etcd/client.js';
import type { Layout } from '../../fleet/layout.js';
import type { LeaseKeeper } from '../../fleet/lease-keeper.js';
import { parseDrain } from '../../fleet/overview.js';
import { type MemberFacts, Publisher } from '../../fleet/publisher.js';
import type { SharedChecks } from '../../fleet/shared-checks.js';
import type { Snapshot } from '../../fleet/snapshot.js';
import { FleetSource } from '../../fleet/source.js';
import type { ConfigurationFrom } from '../../fleet/state.js';
import type { HealthSlot } from '../../health/view.js';
import { packageVersion } from '../../values/package-version.js';
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

class FleetMember {
  readonly #parts: FleetMemberParts;
  readonly #name: string;
  readonly #source: FleetSource;
  readonly #startedAtMs = Date.now();
  #publisher: Publisher | undefined;
  #drainSinceMs: number | undefined;
  #awaySinceMs: number | undefined;

  constructor(parts: FleetMemberParts) {
    const { options, client, layout, known, retryMs } = parts;
    this.#parts = parts;
    this.#name = memberOf(options);
    this.#awaySinceMs = known.from === 'cache' ? this.#startedAtMs : undefined;
    const events = {
      changed: (snapshot: Snapshot) => void this.#take(snapshot),
      drains: (snapshot: Snapshot) => this.#takeDrains(snapshot),
      away: (error: Error) => this.#away(error),
      back: (snapshot: Snapshot) => this.#back(snapshot),
    };
    this.#source = new FleetSource(client, layout, events, { retryMs });
  }

  begin(director: Director): void {
    const { layout, lease, shared, health, known, inForce } = this.#parts;
    this.#publisher = new Publisher({
      ...{ director, lease, facts: () => this.#facts(), key: layout.state(this.#name) },
      ...(health && { health }),
    });
    this.#takeDrains(known.snapshot);
    this.#source.begin(known.snapshot, { isFresh: known.from === 'etcd' });
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
      ...(this.#drainSinceMs !== undefined && { drainSinceMs: this.#drainSinceMs }),
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

  #takeDrains({ drains }: Snapshot): void {
    const text = drains.get(this.#name);
    const wish = text === undefined ? undefined : parseDrain(text);
    const wasWished = this.#drainSinceMs !== undefined;
    this.#drainSinceMs = wish && (wish.sinceMs || Date.now());
    const who = `this director (${this.#name})`;
    if (wish && !wasWished) {
      const by = wish.by === undefined ? '' : `, as ${wish.by} wishes`;
      const mend = 'send it no more packets, by your routers or by keepalived';
      this.#tell('warn', 'fleet.drain', `${who} is to be drained${by}: ${mend}`, { member: this.#name });
    } else if (!wish && wasWished) {
      this.#tell('info', 'fleet.undrain', `${who} is no longer to be drained`, { member: this.#name });
    }
    this.#publisher?.changed();
  }

  #away({ message }: Error): void {
    this.#awaySinceMs = Date.now();
    const revision = this.#parts.inForce().snapshot.changedAt;
    this.#tell('error', 'fleet.away', `etcd is away, and revision ${revision} stays in force: ${message}`, {
      revision,
    });
  }

  #back(snapshot: Snapshot): void {
    this.#parts.confirm(snapshot);
    this.#publisher?.changed();
    const awayMs = Date.now() - (this.#awaySinceMs ?? Date.now());
    this.#awaySinceMs = undefined;
    this.#tell('info', 'fleet.back', `etcd is back after ${ageText(awayMs)}`, { awayMs });
  }
}
