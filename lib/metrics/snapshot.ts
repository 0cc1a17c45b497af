/** One reading of a director, which all samples of a scrape come from. */
import type { Director } from '../director/director.js';
import type { WorkerCpu } from '../stats/worker-cpu.js';
import type { PolicyCounters } from '../policy/policy.js';
import { fingerprintOf } from '../fleet/fingerprint.js';
import type { FleetCondition, Membership } from '../fleet/membership.js';
import type { DirectorStats, RealServerStats, VirtualServiceStats } from '../stats/stats.js';
import type { EngineEventType } from '../values/engine-event.js';
import { labelsOfService, serverLabels } from './labels.js';
import type { Row } from './label-set.js';
import type { ServiceHealth } from '../health/events.js';
import type { HealthView } from '../health/view.js';

/** What is read of a director. */
export type Measured = Pick<Director, 'stats' | 'workerCpu' | 'virtualServices' | 'device' | 'eventCounts'> &
  Partial<Pick<Director, 'state' | 'marks' | 'role' | 'heldBack' | 'sync'>>;

export interface ServiceRow extends Row {
  readonly stats: VirtualServiceStats;
}

export interface ServerRow extends Row {
  readonly stats: RealServerStats;
}

export interface PolicyRow extends Row {
  readonly counters: PolicyCounters;
}

export interface Snapshot {
  readonly stats: DirectorStats;
  readonly services: readonly ServiceRow[];
  /** Empty when they were not asked for. */
  readonly servers: readonly ServerRow[];
  readonly policies: readonly PolicyRow[];
  /** Empty when nobody checks. */
  readonly health: readonly ServiceHealth[];
  readonly workers: readonly WorkerCpu[];
  readonly events: Readonly<Record<EngineEventType, number>>;
  /** The name of the device and of the egress; undefined for an offline director. */
  readonly device: Measured['device'];
  readonly state: Measured['state'];
  /** Of all that decides where packets go. */
  readonly fingerprint: string;
  readonly isActive: boolean;
  /** The number of virtual addresses and ranges without a route. */
  readonly heldBack: number;
  readonly sync: Measured['sync'];
  /** Undefined where there is none. */
  readonly fleet: FleetCondition | undefined;
}

export interface SnapshotOptions {
  servers: boolean;
  health?: Pick<HealthView, 'of'>;
  fleet?: Pick<Membership, 'condition'>;
}

export function readSnapshot(
  director: Measured,
  { servers: hasServers, health: monitor, fleet }: SnapshotOptions,
): Snapshot {
  const stats = director.stats();
  const services = stats.services.map((each) => ({ labels: labelsOfService(each), stats: each }));
  const health = monitor ? director.virtualServices.flatMap((service) => monitor.of(service) ?? []) : [];
  const servers = hasServers ? services.flatMap(serverRows) : [];
  const { device, state, eventCounts, role = 'active', heldBack = [], sync } = director;
  return {
    stats,
    services,
    servers,
    policies: policyRows(director),
    health,
    workers: director.workerCpu(),
    events: eventCounts,
    device,
    state,
    fingerprint: fingerprintOf({ virtualServices: director.virtualServices, marks: director.marks ?? [] }),
    isActive: role === 'active',
    heldBack: heldBack.length,
    sync,
    fleet: fleet?.condition(),
  };
}

function serverRows({ labels, stats }: ServiceRow): ServerRow[] {
  return stats.servers.map((server) => ({ labels: serverLabels(labels, server), stats: server }));
}

function policyRows({ virtualServices }: Measured): PolicyRow[] {
  return virtualServices.flatMap((service) => {
    const { policy } = service;
    if (policy === undefined) return [];
    const { kind, name, counters } = policy;
    return [{ labels: labelsOfService(service, { kind, policy: name }), counters }];
  });
}
