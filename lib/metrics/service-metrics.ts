/** What there is to know of each virtual service, each real server and each policy. */
import type { PolicyCounters } from '../policy/policy.js';
import type { RealServerStats, Traffic } from '../stats/stats.js';
import { labelsOfService, SERVER_LABELS, SERVICE_LABELS } from './labels.js';
import { type Row, snakeCase } from './label-set.js';
import type { Metric } from './metric.js';
import type { PolicyRow, ServerRow, ServiceRow, Snapshot } from './snapshot.js';

/** The end of each metric's name, and what it counts: of whom, where `OF` stands. */
const TRAFFIC: Readonly<Record<keyof Traffic, readonly [name: string, help: string]>> = {
  connections: ['connections', 'New connections of OF.'],
  inPackets: ['incoming_packets', 'Packets from clients for OF.'],
  inBytes: ['incoming_bytes', 'Bytes of packets from clients for OF, without outer headers.'],
  outPackets: ['outgoing_packets', 'Packets for clients of OF: replies, by NAT, and ICMP errors that tell of tunnels.'],
  outBytes: [
    'outgoing_bytes',
    'Bytes of packets for clients of OF: replies, by NAT, and ICMP errors that tell of tunnels.',
  ],
};

interface Measured extends Row {
  readonly stats: { readonly totals: Traffic };
}

function trafficMetrics<Each extends Measured>(
  prefix: string,
  of: string,
  parts: Pick<Metric<Each>, 'labelNames' | 'rows'>,
): Metric<Each>[] {
  return Object.entries(TRAFFIC).map(([field, [name, help]]) => ({
    name: `${prefix}_${name}_total`,
    type: 'counter',
    help: help.replace('OF', `the ${of}`),
    ...parts,
    value: ({ stats }) => stats.totals[field as keyof Traffic],
  }));
}

const services = { labelNames: SERVICE_LABELS, rows: (snapshot: Snapshot) => snapshot.services };
const servers = { labelNames: SERVER_LABELS, rows: (snapshot: Snapshot) => snapshot.servers };

/** What describes a service; a change of it makes another sample. */
interface ServiceInfoRow extends Row {
  readonly is: 1;
}

const serviceInfo: Metric<ServiceInfoRow> = {
  ...{ name: 'tunvs_service_info', type: 'info', labelNames: [...SERVICE_LABELS, 'scheduler'] },
  help: 'Scheduler of the virtual service.',
  rows: ({ services }) =>
    services.map(({ stats }) => ({ labels: labelsOfService(stats, { scheduler: stats.scheduler }), is: 1 })),
  value: ({ is }) => is,
};

function serviceGauge(name: string, help: string, value: (row: ServiceRow) => number | undefined): Metric<ServiceRow> {
  return { ...{ name: `tunvs_service_${name}`, type: 'gauge', help }, ...services, value };
}

export const serviceMetrics: readonly (Metric<ServiceRow> | Metric<ServiceInfoRow>)[] = [
  serviceInfo,
  ...trafficMetrics<ServiceRow>('tunvs_service', 'virtual service', services),
  serviceGauge('servers', 'Real servers of the virtual service.', ({ stats }) => stats.servers.length),
  serviceGauge(
    'servers_usable',
    'Real servers of the virtual service that may get new connections: of a weight above 0, up, neither drained nor ' +
      'overloaded.',
    ({ stats }) => stats.servers.filter(({ effectiveWeight, overloaded }) => effectiveWeight > 0 && !overloaded).length,
  ),
  serviceGauge('connections_active', 'Connections of the virtual service in an active state.', ({ stats }) =>
    stats.servers.reduce((sum, { activeConnections }) => sum + activeConnections, 0),
  ),
  serviceGauge('connections_inactive', 'Other connections of the virtual service.', ({ stats }) =>
    stats.servers.reduce((sum, { inactiveConnections }) => sum + inactiveConnections, 0),
  ),
];

type Read = (stats: RealServerStats) => number | bigint | undefined;

function serverMetric(type: 'gauge' | 'counter', name: string, help: string, read: Read): Metric<ServerRow> {
  return { ...{ name: `tunvs_server_${name}`, type, help }, ...servers, value: ({ stats }) => read(stats) };
}

const gauge = (name: string, help: string, read: Read) => serverMetric('gauge', name, help, read);
const counter = (name: string, help: string, read: Read) => serverMetric('counter', name, help, read);
/** 0 stands for none, which has no sample. */
const orNone = (number: number) => number || undefined;

export const serverMetrics: readonly Metric<ServerRow>[] = [
  ...trafficMetrics<ServerRow>('tunvs_server', 'real server', servers),
  gauge('connections_active', 'Connections of the real server in an active state.', (s) => s.activeConnections),
  gauge('connections_inactive', 'Other connections of the real server.', (s) => s.inactiveConnections),
  gauge('templates', 'Persistence templates that lead to the real server.', (s) => s.persistentConnections),
  gauge('weight', 'Configured weight of the real server.', (s) => s.weight),
  gauge('effective_weight', 'Weight that the scheduler goes by.', (s) => s.effectiveWeight),
  gauge('up', 'Whether the real server is up, by hand and by health.', (s) =>
    Number(s.isUp && s.health?.isUp !== false),
  ),
  gauge('draining', 'Whether a drain keeps new connections from the real server.', (s) => Number(s.isDraining)),
  gauge('overloaded', 'Whether the real server has reached its upper threshold.', (s) => Number(s.overloaded)),
  gauge('upper_threshold', 'Connections at which the real server gets no new ones, if there is a limit.', (s) =>
    orNone(s.upperThreshold),
  ),
  gauge('lower_threshold', 'Connections below which the real server gets new ones again, if it is set.', (s) =>
    orNone(s.lowerThreshold),
  ),
  gauge(
    'source_pairs',
    'Pairs of address and port that full NAT has for connections to the real server; services that have one server share them.',
    (s) => s.sourcePairs,
  ),
  gauge(
    'source_pairs_in_use',
    "Pairs that connections to the real server's address and port have taken, of all services, deleted ones included.",
    (s) => s.sourcePairsInUse,
  ),
  gauge('path_mtu_bytes', 'Path MTU to the real server that is in force.', (s) => s.pathMtu),
  counter('too_big_answers_total', 'Times that a client was told the MTU of the path.', (s) => s.tooBig),
  counter('outer_fragments_sent_total', 'Fragments of outer packets to the real server.', (s) => s.fragmentsSent),
  counter(
    'repeated_openings_total',
    'Connections of the real server whose SYN or INIT came again before anything else came.',
    (s) => s.repeatedOpenings,
  ),
  counter(
    'client_resets_total',
    'Resets by clients of connections of the real server that were not closed yet.',
    (s) => s.clientResets,
  ),
  counter(
    'tunnel_errors_total',
    'ICMP errors about packets to the real server, except for those that tell an MTU.',
    (s) => s.tunnelErrors,
  ),
];

const POLICY: Readonly<Record<keyof PolicyCounters, string>> = {
  asked: 'Questions to the policy.',
  answered: 'Usable answers of the policy.',
  late: 'Questions to the policy without an answer in time, or that were left out because the last was pending.',
  failed: 'Failures of the policy.',
  overflow: 'Connections for which there was no room to wait for the policy.',
  parked: 'Packets that waited for an answer of the policy.',
  dropped: 'Packets that were dropped because nothing more could wait for the policy.',
};

export const policyMetrics: readonly Metric<PolicyRow>[] = Object.entries(POLICY).map(([name, help]) => ({
  name: `tunvs_policy_${snakeCase(name)}_total`,
  type: 'counter',
  help,
  labelNames: [...SERVICE_LABELS, 'kind', 'policy'],
  rows: ({ policies }) => policies,
  value: ({ counters }) => counters[name as keyof PolicyCounters],
}));
