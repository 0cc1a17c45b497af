/** What a running director tells of itself: plain values, which JSON takes as they are. */
import type { ServerHealthStatus, ServiceHealthStatus } from './health-report.js';
import type { DirectorState } from '../director/state-folder.js';
import type { FleetCondition } from '../fleet/membership.js';
import type { Rates } from '../stats/rates.js';
import type { Role } from '../values/role.js';
import type { ServiceIdentity } from '../values/service-key.js';

export interface Status {
  /** The name of the daemon. */
  name: string;
  version: string;
  pid: number;
  /** The time of reading, milliseconds since the epoch. */
  atMs: number;
  /** The milliseconds since the daemon began. */
  upMs: number;
  /** The milliseconds that rates are about. */
  intervalMs: number;
  /** Absent when the director is offline. */
  device?: {
    name: string;
    attached: boolean;
    egress: string;
    steering: string;
    offloads: string[];
    /** Whether it is in force; where its program is attached; why it is off, or what is missing. */
    fastPath: boolean;
    fastPathAt: string[];
    fastPathReason: string;
    rings: { device: string; isTaking: boolean; reason: string; prefixes: number; dropped: number }[];
  };
  markDevices: { name: string; mark: number }[];
  role: Role;
  /** The virtual addresses and ranges that are configured and that the host has no route for. */
  heldBack: string[];
  /** What the director took over when it began; absent when it keeps no state. */
  state?: DirectorState;
  /** Absent when the director is of no fleet. */
  fleet?: FleetCondition;
  sources: string[];
  /** The share of the time in which each worker had a CPU, [0, 1]. */
  workers: number[];
  /** Absent when the director is offline. */
  host?: { mended: number; contested: number };
  table: TableStatus;
  rates: Rates;
  /** What was dropped or could not be sent, so far; the highest rates first. */
  drops: DropStatus[];
  /** In the order in which they were added. */
  services: ServiceStatus[];
  /** What happened lately, the newest first. */
  events: EventStatus[];
  /** What was odd when the director was opened. */
  warnings: string[];
}

export interface TableStatus {
  ipv4: number;
  ipv6: number;
  /** The number of connections of each family that fit. */
  capacity: number;
  /** The memory that is reserved for them. */
  bytes: number;
  /** How much of it has been touched and is in RAM. */
  residentBytes: number;
  /** How much of that lies in huge pages. */
  hugeBytes: number;
  /** The connections that gave way to others, so far. */
  evicted: number;
  evictedPerSecond: number;
}

export interface DropStatus {
  /** As the metrics have it: `no_service`. */
  reason: string;
  /** Whether the director dropped the packet, or could not send it. */
  kind: 'dropped' | 'not sent';
  packets: number;
  perSecond: number;
}

export interface ServiceStatus extends ServiceIdentity {
  /** `tcp 192.0.2.1:80` */
  name: string;
  scheduler: string;
  policy?: { kind: string; name: string; failed: number };
  activeConnections: number;
  inactiveConnections: number;
  rates: Rates;
  /** Absent when its servers are not checked. */
  health?: ServiceHealthStatus;
  /** In the order in which schedulers walk, the newest first. */
  servers: ServerStatus[];
}

/** Why a server gets no new connections, if there is a reason; `up` otherwise. `sorry` is a sorry server at rest. */
export type ServerState = 'up' | 'down' | 'draining' | 'overloaded' | 'weight 0' | 'sorry';

export interface ServerStatus {
  /** `10.3.0.11:80` */
  name: string;
  address: string;
  port: number;
  forwarding: string;
  state: ServerState;
  weight: number;
  /** The weight that the scheduler goes by. */
  effectiveWeight: number;
  activeConnections: number;
  inactiveConnections: number;
  rates: Rates;
  /** Absent when it is not checked. */
  health?: ServerHealthStatus;
}

export interface EventStatus {
  /** Milliseconds since the epoch. */
  atMs: number;
  /** The type of an engine event, or `warning`. */
  type: string;
  message: string;
}
