/** Makes a running director a member of its fleet: it follows the configuration, and tells what it is. */
import { hostname } from 'node:os';
import type { Attachment } from '../../daemon/daemon.js';
import { DEFAULT_NAME } from '../../daemon/daemon-name.js';
import type { Director } from '../../director/director.js';
import type { EtcdClient } from '../../fleet/etcd/client.js';
import type { Layout } from '../../fleet/layout.js';
import type { LeaseKeeper } from '../../fleet/lease-keeper.js';
import { parseDrain } from '../../fleet/overview.js';
import { Publisher } from '../../fleet/publisher.js';
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
  director: () => Director;
  inForce: () => { snapshot: Snapshot; from: ConfigurationFrom; refused: string | undefined };
  /** Puts another configuration into force; rejects, after telling so, when it is refused. */
  take(snapshot: Snapshot): Promise<void>;
}

export function fleetMember(parts: FleetMemberParts): Attachment {
  const { options, client, layout, lease, shared, tell, known, inForce, health } = parts;
  const member = memberOf(options);
  const startedAtMs = Date.now();
  let drainSinceMs: number | undefined;
  let awaySinceMs = known.from === 'cache' ? startedAtMs : undefined;

  const facts = () => {
    const { snapshot, from, refused } = inForce();
    return {
      ...{ member, host: hostname(), name: options.name ?? DEFAULT_NAME, version: packageVersion() },
      ...{ pid: process.pid, startedAtMs, revision: snapshot.changedAt, from },
      ...(refused !== undefined && { refused: refused.split('\n', 1)[0] as string }),
      ...(drainSinceMs !== undefined && { drainSinceMs }),
      ...(shared && { probedServices: shared.probed }),
    };
  };
  let publisher: Publisher | undefined;

  const takeDrains = ({ drains }: Snapshot) => {
    const wish = drains.get(member);
    const before = drainSinceMs;
    const parsed = wish === undefined ? undefined : parseDrain(wish);
    drainSinceMs = parsed && (parsed.sinceMs || Date.now());
    if (before === undefined && parsed !== undefined) {
      const by = parsed.by === undefined ? '' : ` by ${parsed.by}`;
      const message = `this director (${member}) is to be drained, as was wished${by}: send it no more packets, by your routers or by keepalived`;
      tell()('warn', 'fleet.drain', message, { member });
    } else if (before !== undefined && parsed === undefined) {
      tell()('info', 'fleet.undrain', `this director (${member}) is no longer to be drained`, { member });
    }
    publisher?.changed();
  };

  const source = new FleetSource(
    client,
    layout,
    {
      changed: (snapshot) => {
        const { changedAt: revision } = snapshot;
        parts
          .take(snapshot)
          .then(
            () => tell()('info', 'fleet.revision', `revision ${revision} of etcd is in force`, { revision }),
            () => {}, // It has told why.
          )
          .finally(() => publisher?.changed());
      },
      drains: takeDrains,
      away: ({ message }) => {
        awaySinceMs = Date.now();
        const { changedAt } = inForce().snapshot;
        tell()('error', 'fleet.away', `etcd is away, and revision ${changedAt} stays in force: ${message}`);
      },
      back: () => {
        const forMs = Date.now() - (awaySinceMs ?? Date.now());
        awaySinceMs = undefined;
        tell()('info', 'fleet.back', `etcd is back after ${ageText(forMs)}`, { awayMs: forMs });
      },
    },
    { retryMs: parts.retryMs },
  );

  let ended: Promise<unknown> | undefined;
  return (running) => ({
    listen() {
      publisher = new Publisher({
        ...{ director: running.director, lease, facts, key: layout.state(member) },
        ...(health && { health }),
      });
      takeDrains(known.snapshot);
      source.begin(known.snapshot, { isFresh: known.from === 'etcd' });
      publisher.begin();
      lease.begin();
      shared?.begin(() => publisher?.changed());
      const { snapshot, from } = inForce();
      const revision = snapshot.changedAt;
      const text = `revision ${revision} of ${from === 'etcd' ? 'etcd' : 'the cache'} is in force, as ${member} of ${layout.prefix}`;
      tell()('info', 'fleet.revision', text, { revision, from, member, prefix: layout.prefix });
    },
    detach() {
      publisher?.close();
      ended = Promise.all([source.close(), shared?.close(), lease.close()]);
    },
    async end() {
      await ended;
    },
  });
}
