/** How the director stands to its fleet; a director without one has none of it. */
import type { FleetCondition } from '../fleet/membership.js';
import { labelSet, NO_LABELS, type Row } from './label-set.js';
import type { Metric } from './metric.js';
import type { Snapshot } from './snapshot.js';

interface FleetRow extends Row {
  readonly fleet: FleetCondition;
}

const rows = ({ fleet }: Snapshot): FleetRow[] => (fleet ? [{ labels: NO_LABELS, fleet }] : []);

const gauge = (name: string, help: string, value: (fleet: FleetCondition) => number | undefined): Metric<FleetRow> => ({
  ...{ name: `tunvs_fleet_${name}`, type: 'gauge', help, labelNames: [], rows },
  value: ({ fleet }) => value(fleet),
});

const info: Metric<FleetRow> = {
  ...{ name: 'tunvs_fleet_info', type: 'info', labelNames: ['prefix', 'member'] },
  help: 'Place of the fleet in etcd, and what it calls this director.',
  rows: ({ fleet }) => (fleet ? [{ labels: labelSet({ prefix: fleet.prefix, member: fleet.member }), fleet }] : []),
  value: () => 1,
};

export const fleetMetrics: readonly Metric<FleetRow>[] = [
  info,
  gauge('connected', 'Whether etcd answers.', ({ isConnected }) => Number(isConnected)),
  gauge('connected_changed_timestamp_seconds', 'Time since which etcd answers, or does not.', ({ sinceMs }) =>
    Number((sinceMs / 1000).toFixed(3)),
  ),
  gauge('revision', 'Revision of etcd at the last change of the configuration in force.', ({ revision }) => revision),
  gauge(
    'newest_revision',
    'Revision of etcd at the last change of the configuration that it has told of.',
    ({ newestRevision }) => newestRevision,
  ),
  gauge('refused', 'Whether the newest configuration is refused.', ({ refused }) => Number(refused !== undefined)),
  gauge('cached', 'Whether the configuration in force comes from the cache.', ({ from }) => Number(from === 'cache')),
  gauge('lease', 'Whether the fleet sees this director: etcd holds its state under a lease.', ({ hasLease }) =>
    Number(hasLease),
  ),
  gauge('drained', 'Whether somebody wishes that this director is drained.', ({ drain }) =>
    Number(drain !== undefined),
  ),
  gauge(
    'probed_services',
    'Virtual services that this director checks for the fleet.',
    ({ probedServices }) => probedServices?.length,
  ),
];
