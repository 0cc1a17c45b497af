/** What etcd holds below a prefix at one revision. */
import type { Change, KeyValue } from './etcd/answers.js';
import type { Layout } from './layout.js';

export interface Snapshot {
  /** The revision of the store up to which this is known: a watch goes on behind it. */
  readonly revision: number;
  /** When the configuration was changed last, as a revision. Others change the store's revision all the time. */
  readonly changedAt: number;
  readonly clusterId: string;
  /** The configuration: values by key, in the order of the keys. */
  readonly entries: ReadonlyMap<string, string>;
  /** The directors that are to be drained, with what the key says. */
  readonly drains: ReadonlyMap<string, string>;
}

const inOrder = (entries: Iterable<readonly [string, string]>) =>
  // By code units, whatever the language is.
  new Map([...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));

export function snapshotOf(
  layout: Layout,
  { revision, clusterId, kvs }: { revision: number; clusterId: string; kvs: readonly KeyValue[] },
): Snapshot {
  const empty: Snapshot = { revision, changedAt: 0, clusterId, entries: new Map(), drains: new Map() };
  return withChanges(layout, empty, { revision, changes: kvs });
}

/** Returns the snapshot itself, but for its revision, when no change is one of the configuration or of a drain. */
export function withChanges(
  layout: Layout,
  before: Snapshot,
  { revision, changes }: { revision: number; changes: readonly Change[] },
): Snapshot {
  if (changes.length === 0) return { ...before, revision: Math.max(before.revision, revision) };
  const entries = new Map(before.entries);
  const drains = new Map(before.drains);
  let { changedAt } = before;
  for (const { key, value, modRevision } of changes) {
    const role = layout.role(key);
    const [map, name] = role?.is === 'drain' ? ([drains, role.member] as const) : ([entries, key] as const);
    if (map === entries) changedAt = Math.max(changedAt, modRevision);
    if (value === undefined) map.delete(name);
    else map.set(name, value);
  }
  const next = { ...before, revision: Math.max(before.revision, revision), changedAt };
  return { ...next, entries: inOrder(entries), drains: inOrder(drains) };
}

export function isSameConfiguration(a: Pick<Snapshot, 'entries'>, b: Pick<Snapshot, 'entries'>): boolean {
  if (a.entries.size !== b.entries.size) return false;
  for (const [key, value] of a.entries) if (b.entries.get(key) !== value) return false;
  return true;
}

/** Whether there is anything that a director could be configured by. */
export function isEmpty(layout: Layout, { entries }: Snapshot): boolean {
  for (const key of entries.keys()) if (layout.role(key) !== undefined) return false;
  return true;
}
