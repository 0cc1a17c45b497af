/** What checks have found of services and their real servers; a director whose servers nobody checks has none of it. */
import type { CheckHealth, ServerHealth, ServiceHealth } from '../health/events.js';
import { labelSet, type Row } from './label-set.js';
import { labelsOfService, SERVER_LABELS, SERVICE_LABELS, serverLabels } from './labels.js';
import type { Metric } from './metric.js';
import type { Snapshot } from './snapshot.js';

interface ServiceHealthRow extends Row {
  readonly health: ServiceHealth;
}

interface ServerHealthRow extends Row {
  readonly health: ServerHealth;
}

interface CheckRow extends Row {
  readonly check: CheckHealth;
  readonly result?: 'passed' | 'failed';
}

const serviceRows = ({ health }: Snapshot): ServiceHealthRow[] =>
  health.map((each) => ({ labels: labelsOfService(each.service), health: each }));

const serverRows = ({ health, servers }: Snapshot): ServerHealthRow[] => {
  // Somebody may have asked for no figures of servers.
  if (servers.length === 0) return [];
  return health.flatMap((each) => {
    const service = labelsOfService(each.service);
    return each.servers
      .filter(({ state }) => state !== 'unchecked')
      .map((one) => ({ labels: serverLabels(service, one.server), health: one }));
  });
};

const checkRows = (snapshot: Snapshot): CheckRow[] =>
  serverRows(snapshot).flatMap(({ labels, health }) =>
    health.checks.map((check) => ({ labels: labelSet({ ...labels.values, check: check.name }), check })),
  );

const resultRows = (snapshot: Snapshot): CheckRow[] =>
  checkRows(snapshot).flatMap(({ labels, check }) =>
    (['passed', 'failed'] as const).map((result) => ({
      labels: labelSet({ ...labels.values, result }),
      ...{ check, result },
    })),
  );

const service = (name: string, help: string, value: (health: ServiceHealth) => number): Metric<ServiceHealthRow> => ({
  ...{ name: `tunvs_service_${name}`, type: 'gauge', help, labelNames: SERVICE_LABELS, rows: serviceRows },
  value: ({ health }) => value(health),
});

const server = (name: string, help: string, value: (health: ServerHealth) => number): Metric<ServerHealthRow> => ({
  ...{ name: `tunvs_server_${name}`, type: 'gauge', help, labelNames: SERVER_LABELS, rows: serverRows },
  value: ({ health }) => value(health),
});

const checks: Metric<CheckRow> = {
  ...{ name: 'tunvs_server_checks_total', type: 'counter', labelNames: [...SERVER_LABELS, 'check', 'result'] },
  help: 'Checks of the real server, by what they found.',
  rows: resultRows,
  value: ({ check, result }) => (result === 'passed' ? check.passes : check.failures),
  meanings: { passed: 'The server passed.', failed: 'The server did not pass, retries included.' },
};

const duration: Metric<CheckRow> = {
  ...{ name: 'tunvs_server_check_duration_seconds', type: 'gauge', labelNames: [...SERVER_LABELS, 'check'] },
  help: 'Time that the last check of the real server took.',
  rows: checkRows,
  value: ({ check }) => (check.results[0] ? check.results[0].durationMs / 1000 : undefined),
};

export const serviceHealthMetrics: readonly Metric<ServiceHealthRow>[] = [
  service('quorum', 'Sum of the weights of live servers that the service needs.', ({ quorum }) => quorum),
  service('quorum_weight', 'Sum of the weights of live servers of the service.', ({ weight }) => weight),
  service('quorum_reached', 'Whether the service has its quorum.', ({ isUp }) => Number(isUp)),
  service('sorry', 'Whether the sorry servers of the service are in force.', ({ isSorry }) => Number(isSorry)),
  service('fail_open', 'Whether failures of too many servers are not acted upon.', ({ isFailOpen }) =>
    Number(isFailOpen),
  ),
];

export const serverHealthMetrics: readonly (Metric<ServerHealthRow> | Metric<CheckRow>)[] = [
  server('health_changed_timestamp_seconds', 'Time of the last change of the real server by health.', ({ since }) =>
    Number((since / 1000).toFixed(3)),
  ),
  server(
    'own_fault',
    "Whether a fault of the director's own host or configuration keeps the real server from being checked.",
    ({ ownFault }) => Number(ownFault !== undefined),
  ),
  checks,
  duration,
];
