/** What there is once for a director: its table, its workers, its host, its events, and what it is. */
import { engineEventTypes, type EngineEventType } from '../values/engine-event.js';
import { packageVersion } from '../values/package-version.js';
import { labelSet, type LabelSet, NO_LABELS, type Row, snakeCase } from './label-set.js';
import type { Metric } from './metric.js';
import type { Snapshot } from './snapshot.js';

type Read = (snapshot: Snapshot) => number | bigint | undefined;

const ALONE: readonly Row[] = [{ labels: NO_LABELS }];

function single(type: 'counter' | 'gauge', name: string, help: string, read: Read): Metric {
  return { ...{ name, type, help, labelNames: [] }, rows: () => ALONE, value: (_, snapshot) => read(snapshot) };
}

interface FamilyRow extends Row {
  readonly family: 'ipv4' | 'ipv6';
}

const FAMILIES = (['ipv4', 'ipv6'] as const).map((family) => ({ labels: labelSet({ family }), family }));

function byFamily(name: string, help: string, value: Metric<FamilyRow>['value']): Metric<FamilyRow> {
  return { ...{ name, type: 'gauge', help, labelNames: ['family'] }, rows: () => FAMILIES, value };
}

interface EventRow extends Row {
  readonly type: EngineEventType;
}

const EVENTS: readonly EventRow[] = engineEventTypes.map((type) => ({
  labels: labelSet({ type: snakeCase(type) }),
  type,
}));

const events: Metric<EventRow> = {
  ...{ name: 'tunvs_events_total', type: 'counter', labelNames: ['type'] },
  help: 'Events of the director; several things of a kind may be told as one.',
  rows: () => EVENTS,
  value: ({ type }, snapshot) => snapshot.events[type],
};

interface ValueRow extends Row {
  readonly value: number;
}

const workers: Metric<ValueRow> = {
  ...{ name: 'tunvs_worker_cpu_seconds_total', type: 'counter', labelNames: ['worker', 'mode'] },
  help: 'CPU time that each worker thread has taken.',
  rows: (snapshot) =>
    snapshot.workers.flatMap(({ userNs, systemNs }, worker) => [
      { labels: labelSet({ worker: `${worker}`, mode: 'user' }), value: Number(userNs) / 1e9 },
      { labels: labelSet({ worker: `${worker}`, mode: 'system' }), value: Number(systemNs) / 1e9 },
    ]),
  value: ({ value }) => value,
};

const takenOver: Metric<ValueRow> = {
  ...{ name: 'tunvs_taken_over_entries', type: 'gauge', labelNames: ['kind'] },
  help: 'Entries of an earlier director that this one found when it began: those that went on, and those that ended.',
  rows: ({ state }) =>
    state === undefined
      ? []
      : (['connections', 'templates', 'ended'] as const).map((kind) => ({
          labels: labelSet({ kind }),
          value: state[kind],
        })),
  value: ({ value }) => value,
};

interface RingRow extends Row {
  readonly ring: NonNullable<Snapshot['device']>['rings'][number];
}

function ofRings(type: 'counter' | 'gauge', name: string, help: string, value: (ring: RingRow['ring']) => number) {
  const rows = ({ device }: Snapshot) =>
    (device?.rings ?? []).map((ring) => ({ labels: labelSet({ device: ring.device }), ring }));
  const metric: Metric<RingRow> = {
    ...{ name, type, help, labelNames: ['device'], rows },
    value: ({ ring }) => value(ring),
  };
  return metric;
}

function info(name: string, help: string, labelNames: string[], labels: (s: Snapshot) => LabelSet | undefined): Metric {
  const rows = (snapshot: Snapshot) => {
    const found = labels(snapshot);
    return found === undefined ? [] : [{ labels: found }];
  };
  return { ...{ name, type: 'info', help, labelNames }, rows, value: () => 1 };
}

let build: LabelSet | undefined;
function buildLabels(): LabelSet {
  build ??= labelSet({ version: packageVersion(), node: process.versions.node, arch: process.arch });
  return build;
}

export const directorMetrics: readonly Metric[] = [
  info('tunvs_build_info', 'Versions of tunvs and Node.js, and the architecture.', ['version', 'node', 'arch'], () =>
    buildLabels(),
  ),
  info(
    'tunvs_device_info',
    'Device of the director and the way in which packets leave.',
    ['device', 'egress'],
    (s) => s.device && labelSet({ device: s.device.name, egress: s.device.egress }),
  ),
  info(
    'tunvs_fingerprint_info',
    'Fingerprint of all that decides where packets go: directors with the same one agree.',
    ['fingerprint'],
    ({ fingerprint }) => labelSet({ fingerprint }),
  ),
  ofRings('gauge', 'tunvs_ring_prefixes', 'Addresses and ranges that a ring takes of a device.', (r) => r.prefixes),
  ofRings('counter', 'tunvs_ring_dropped_packets_total', 'Packets for which a ring had no room.', (r) => r.dropped),
  single('gauge', 'tunvs_active', 'Whether the director is active (1) or a standby (0).', ({ isActive }) =>
    Number(isActive),
  ),
  single(
    'gauge',
    'tunvs_held_back_addresses',
    'Virtual addresses and ranges that are configured and that the host has no route for.',
    ({ heldBack }) => heldBack,
  ),
  byFamily(
    'tunvs_table_connections',
    'Connections in the connection table.',
    ({ family }, { stats }) => stats.table[family],
  ),
  byFamily(
    'tunvs_table_connections_limit',
    'Connections that fit the connection table.',
    (_, { stats }) => stats.table.capacity,
  ),
  single('gauge', 'tunvs_table_size_bytes', 'Memory of the connection table.', ({ stats }) => stats.table.bytes),
  single(
    'gauge',
    'tunvs_table_persistence_data_bytes',
    'Memory of what persistence engines know clients by.',
    ({ stats }) => stats.table.persistenceDataBytes,
  ),
  single('gauge', 'tunvs_services', 'Virtual services that are configured.', ({ stats }) => stats.services.length),
  single('gauge', 'tunvs_servers', 'Real servers of all virtual services.', ({ stats }) =>
    stats.services.reduce((sum, { servers }) => sum + servers.length, 0),
  ),
  workers,
  takenOver,
  events,
  single('counter', 'tunvs_host_mended_total', 'Things on the host that were put back.', (s) => s.stats.host?.mended),
  single(
    'counter',
    'tunvs_host_contested_total',
    'Times that a thing on the host was left alone because somebody took it away again and again.',
    (s) => s.stats.host?.contested,
  ),
];

/** Every program has this metric under this name. */
export const processMetrics: readonly Metric[] = [
  single(
    'gauge',
    'process_start_time_seconds',
    'Start time of the process since unix epoch in seconds.',
    () => performance.timeOrigin / 1000,
  ),
];
