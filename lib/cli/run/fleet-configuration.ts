/**
 * A director whose services are those of a fleet. etcd holds them; the director's own file, or its options, say what it is
 * itself. What cannot be put into force is told, and what is in force stays.
 */
import { isDeepStrictEqual } from 'node:util';
import { type Cached, type KeptDrain, loadCache, saveCache } from '../../fleet/cache.js';
import type { Drained } from '../../fleet/drained-role.js';
import { LeaseKeeper } from '../../fleet/lease-keeper.js';
import { Membership } from '../../fleet/membership.js';
import { partsOf } from '../../fleet/parts.js';
import { SharedChecks } from '../../fleet/shared-checks.js';
import { isEmpty, isSameConfiguration, type Snapshot } from '../../fleet/snapshot.js';
import { FleetSource } from '../../fleet/source.js';
import { HealthSlot } from '../../health/view.js';
import { monitorSharedHealth } from '../../health/monitor-health.js';
import { TunvsError } from '../../values/errors.js';
import { readOperand } from '../config-file.js';
import { type Etcd, etcdOf } from '../etcd-options.js';
import { type CliIo, UsageError } from '../verb.js';
import type { Configuration } from './configuration.js';
import { configReader, fileConfiguration, type FileReader } from './file-configuration.js';
import { cacheFileOf } from './fleet-cache.js';
import { fleetTimesOf, memberOf } from './fleet-options.js';
import { fleetMember } from './fleet-member.js';
import { ageText } from './fleet-words.js';
import type { RunOptions } from './options.js';
import type { Tell } from './teller.js';

/** What the configuration is that is read, or in force. */
interface Taken {
  snapshot: Snapshot;
  from: 'etcd' | 'cache';
}

/** `bytes` is what the director's own file holds, where it has one. */
export async function fleetConfiguration(
  options: RunOptions,
  io: CliIo,
  tell: () => Tell,
  bytes?: Buffer,
): Promise<Configuration> {
  if (options.config === undefined && options.source === undefined)
    throw new UsageError(
      "--etcd: etcd does not name the director's own address: give it with --source, or in --config",
    );
  const { ttlSeconds, retryMs, ...times } = fleetTimesOf(options);
  const etcd = await etcdOf(options, process.env, times);
  const { client, layout } = etcd;
  for (const warning of etcd.warnings) tell()('warn', 'etcd', warning);
  const file = cacheFileOf(options);
  const cached = loadCache(file, layout.prefix);
  let latest = await firstTaken(etcd, cached, file, tell());
  let inForce = latest;
  let refused: string | undefined;
  let shared: SharedChecks | undefined;
  const lease = new LeaseKeeper(client, { ttlSeconds, changed: () => shared?.leaseChanged() });
  if (options.etcdShareChecks)
    shared = new SharedChecks({ client, layout, lease, member: memberOf(options) }, { retryMs });
  const health = new HealthSlot();
  const reader: FileReader = {
    ...partsReader({ options, io, layout, bytes, snapshot: () => latest.snapshot }),
    ...{ health, ...(shared && { monitor: sharing(shared) }) },
  };
  const read = () => fileConfiguration(options, options.config ?? NO_FILE, io, tell, reader);

  /**
   * What is wrong in etcd now was right before; what is wrong in the director's own file is wrong with both. `again` does
   * the same with what was right.
   */
  const orByCache = async <T>(first: () => Promise<T> | T, again: () => Promise<T> | T): Promise<T> => {
    try {
      return await first();
    } catch (error) {
      // Keys are tried out by a dry run; one of a takeover says whether that would go well.
      const isTriedOut = options.dryRun && !options.takeover;
      if (isTriedOut || 'why' in cached || inForce.from === 'cache') throw error;
      if (isSameConfiguration(cached.snapshot, latest.snapshot)) throw error;
      const fresh = latest;
      latest = inForce = { snapshot: cached.snapshot, from: 'cache' };
      try {
        const done = await again();
        refused = (error as Error).message;
        const what = `the configuration in etcd is refused, and ${cachedText(cached, file)} is taken`;
        tell()('error', 'fleet.refused', `${what}: ${refused}: mend it, or let "tunvs reload" try it again`);
        return done;
      } catch {
        // It is wrong with both, and the newest is what people look at.
        inForce = fresh;
        throw error;
      } finally {
        latest = fresh;
      }
    }
  };

  let base = await orByCache(read, read);
  const member = memberOf(options);
  const kept = 'why' in cached || cached.drain?.member !== member ? undefined : cached.drain;
  // What a director was before it was drained goes on in the process that takes it over; a restart is a beginning.
  const isDrained = latest.snapshot.drains.has(member);
  const drained = options.takeover && kept ? kept : isDrained ? { before: base.open.role ?? 'active' } : undefined;
  const isStandby = isDrained && drained?.before !== undefined;
  let drain: KeptDrain | undefined = kept;
  let savedAtMs = 'why' in cached ? 0 : cached.savedAtMs;
  const save = () => {
    try {
      const { snapshot } = inForce;
      saveCache(file, layout.prefix, { snapshot, savedAtMs, ...(drain && { drain }) });
    } catch (error) {
      const why = (error as Error).message;
      tell()('warn', 'fleet.cache', `the configuration is not kept for a start without etcd: ${why}`);
    }
  };
  const tookForce = (taken: Taken) => {
    inForce = taken;
    if (taken.from === 'cache') return;
    savedAtMs = Date.now();
    save();
  };
  const keepDrain = (given: (Drained & { wish: string }) | undefined) => {
    const next = given && { ...given, member };
    if (isDeepStrictEqual(next, drain)) return;
    drain = next;
    save();
  };
  const membership = new Membership();

  return {
    ...base,
    shown: () => base.shown?.(),
    files: () => base.files(),
    plan: () =>
      orByCache(
        () => base.plan(),
        async () => {
          base = await read();
          return base.plan();
        },
      ),
    open: { ...base.open, ...(isStandby && { role: 'standby' as const }) },
    membership,
    async begin(running) {
      // A refusal leaves the director as it was, which holds nothing.
      await orByCache(
        () => base.begin(running),
        async () => void (await base.reload({})),
      );
      tookForce(inForce);
    },
    async reload(wish) {
      const taken = latest;
      try {
        const changes = await base.reload(wish);
        if (wish.dryRun) return changes;
        refused = undefined;
        tookForce(taken);
        return changes;
      } catch (error) {
        if (!wish.dryRun && taken !== inForce) refused = (error as Error).message;
        throw error;
      }
    },
    fleet: (reload) =>
      fleetMember({
        ...{ options, client, layout, lease, retryMs, tell, known: latest, membership, drained, keepDrain },
        ...(shared && { shared }),
        health,
        inForce: () => ({ ...inForce, refused }),
        confirm(snapshot) {
          if (inForce.from === 'etcd' || !isSameConfiguration(inForce.snapshot, snapshot)) return;
          latest = { snapshot, from: 'etcd' };
          tookForce(latest);
        },
        async take(snapshot) {
          latest = { snapshot, from: 'etcd' };
          await reload();
        },
      }),
    async end() {
      await base.end();
      client.close();
    },
  };
}

const sharing =
  (shared: SharedChecks): FileReader['monitor'] =>
  (director, options) =>
    monitorSharedHealth(director, options, (reach) => shared.share(reach));

/** Takes what etcd holds, or what it held last. */
async function firstTaken(
  { client, layout }: Etcd,
  cached: ReturnType<typeof loadCache>,
  file: string,
  tell: Tell,
): Promise<Taken> {
  try {
    return { snapshot: await new FleetSource(client, layout, SILENT).read(), from: 'etcd' };
  } catch (cause) {
    const given = `etcd gives no configuration (${(cause as Error).message})`;
    if ('why' in cached)
      throw new TunvsError('ERR_TUNVS_SYSTEM', `${given}, and ${cached.why}: let etcd answer first`, { cause });
    tell('warn', 'fleet.away', `${given}: ${cachedText(cached, file)} is taken`);
    return { snapshot: cached.snapshot, from: 'cache' };
  }
}

const cachedText = ({ snapshot, savedAtMs }: Cached, file: string) =>
  `the configuration of revision ${snapshot.changedAt}, which ${file} has kept for ${ageText(Date.now() - savedAtMs)},`;

/** Stands where a file's name would. */
const NO_FILE = 'the command line';

const SILENT = { changed() {}, drains() {}, away() {}, back() {} };

interface PartsReaderParts {
  options: RunOptions;
  io: CliIo;
  layout: Parameters<typeof partsOf>[0];
  bytes: Buffer | undefined;
  snapshot: () => Snapshot;
}

/** Reads the director's own file, with what etcd holds besides. */
function partsReader({ options, io, layout, bytes: first, snapshot }: PartsReaderParts): FileReader {
  const { config: file } = options;
  const reader = configReader(file ?? NO_FILE, options, () => {
    const { parts } = partsOf(layout, snapshot());
    let bytes = 0;
    for (const value of snapshot().entries.values()) bytes += value.length;
    return { parts, bytes };
  });
  type Found = ReturnType<FileReader['parse']>;
  const judged = (found: Found): Found => {
    const at = (name: string) => ({ path: '', file: name, line: 1, column: 1 });
    const { unread } = partsOf(layout, snapshot());
    const mend = `read docs/fleet.md for what stands below ${layout.prefix}, or delete it`;
    const warnings = [
      ...found.warnings,
      ...unread.map((key) => ({ ...at(key), message: 'nothing reads this key', mend })),
    ];
    if (!isEmpty(layout, snapshot())) return { ...found, warnings };
    // Far more often it is a wrong prefix, or a store that was lost, than a fleet that is to serve nobody.
    const empty = {
      ...at(layout.prefix),
      message: 'etcd holds nothing below this prefix',
      mend: `put services there, or "{}" at ${layout.director} for a fleet without services`,
    };
    const { files, watched } = found;
    return { mistakes: [...('mistakes' in found ? found.mistakes : []), empty], warnings, files, watched };
  };
  return {
    ...reader,
    async read(isAgain) {
      if (file === undefined) return Buffer.from(JSON.stringify({ source: options.source }));
      // Standard input has no more to say.
      if (first !== undefined && (!isAgain || file === '-')) return first;
      return readOperand(file, io, { option: '--config', isAgain });
    },
    parse: (bytes) => judged(reader.parse(bytes)),
    parseAgain: async (bytes, found) => judged(await reader.parseAgain(bytes, found)),
  };
}
