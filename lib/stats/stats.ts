/** What the director has counted: the shapes that callers see, made of the rows that the native part returns. */
import type { ForwardingMethod, TunnelChecksum } from '../values/forwarding-method.js';
import type { CounterName } from './counter-names.js';
import type { HostCounts } from './host-counts.js';
import { withJson } from '../values/json.js';
import type { NativeServerRow, NativeServiceRow } from '../native/rows.js';
import { type PersistenceStats, persistenceStats } from '../values/persistence.js';
import type { Scheduler, SchedulerFlag } from '../values/scheduler.js';
import type { SchedulerOptions } from '../values/scheduler-options.js';
import { type ServiceIdentity, serviceIdentity } from '../values/service-key.js';
import type { StateTimeouts } from '../values/timeouts.js';

/** Totals since the director opened, or since `zero()`. */
export interface Traffic {
  /** New connections. */
  connections: bigint;
  /** Client to real server; bytes are those of the packet as received, without the outer header. */
  inPackets: bigint;
  inBytes: bigint;
  /** Replies. They do not pass the director, so these stay 0 but for ICMP errors re-created from a tunnel's. */
  outPackets: bigint;
  outBytes: bigint;
}

export interface RealServerStats {
  address: string;
  port: number;
  forwarding: ForwardingMethod;
  /** 0 unless `forwarding` is 'gue'. */
  tunnelPort: number;
  tunnelChecksum: TunnelChecksum;
  /** What is configured. */
  weight: number;
  /**
   * What the scheduler goes by: 0 while the server is down or drained; what a weights policy has assigned; part of that
   * during a slow start, which may leave a fraction.
   */
  effectiveWeight: number;
  isUp: boolean;
  isDraining: boolean;
  /** By a weights policy; left out: none. */
  assignedWeight?: number;
  upperThreshold: number;
  lowerThreshold: number;
  /** Connections in an active state: SYN_RECV, ESTABLISHED, ... */
  activeConnections: number;
  /** The others: FIN_WAIT, CLOSE, UDP, ... */
  inactiveConnections: number;
  /** Persistence templates: clients that it is kept for. */
  persistentConnections: number;
  /** At its upper threshold: gets no new connections. */
  overloaded: boolean;
  /** Path MTU to it in force now, bytes: what was learned from ICMP in the last ten minutes, or the director's. */
  pathMtu: number;
  /** Answers to clients that a packet was too big for the way to this server. */
  tooBig: bigint;
  /** Fragments of outer packets, where the client allowed fragmenting. */
  fragmentsSent: bigint;
  totals: Traffic;
}

export interface VirtualServiceStats extends ServiceIdentity {
  scheduler: Scheduler;
  schedulerFlags: SchedulerFlag[];
  schedulerOptions: SchedulerOptions;
  /** Left out: new connections of a client may go anywhere. */
  persistence?: PersistenceStats;
  /** Every UDP datagram is scheduled by itself. */
  onePacket: boolean;
  /** Its own, by state. */
  timeouts: StateTimeouts;
  totals: Traffic;
  /** Newest first: the order in which schedulers walk. */
  servers: RealServerStats[];
}

export interface ConnectionTableStats {
  /** Connections now. */
  ipv4: number;
  ipv6: number;
  /** Connections that fit, per address family. */
  capacity: number;
  /** Memory of the table. */
  bytes: number;
  /** Memory beside it: Call-IDs by which the SIP engine knows its templates. Grows and shrinks with their number. */
  persistenceDataBytes: number;
}

export interface DirectorStats {
  /** When this was read: milliseconds since the epoch, or on an offline director's own clock. */
  atMs: number;
  /** The engine's counters by name, docs/api.md lists them: received = forwarded + the drops by reason + passed. */
  counters: Record<CounterName, bigint>;
  table: ConnectionTableStats;
  /** The sum over the services configured now. */
  totals: Traffic;
  services: VirtualServiceStats[];
  /** What had to be put back on the host; left out when offline. */
  host?: HostCounts;
}

export function zeroTraffic(): Traffic {
  return withJson({ connections: 0n, inPackets: 0n, inBytes: 0n, outPackets: 0n, outBytes: 0n });
}

export const trafficNames = Object.freeze(Object.keys(zeroTraffic())) as readonly (keyof Traffic)[];

export function sumTraffic(parts: Iterable<Traffic>): Traffic {
  const sum = zeroTraffic();
  for (const part of parts) for (const name of trafficNames) sum[name] += part[name];
  return sum;
}

export function serviceStats(row: NativeServiceRow): VirtualServiceStats {
  const persistence = persistenceStats(row);
  return {
    ...serviceIdentity(row),
    scheduler: row.scheduler as Scheduler,
    schedulerFlags: row.schedulerFlags as SchedulerFlag[],
    schedulerOptions: row.schedulerOptions ?? {},
    ...(persistence && { persistence }),
    onePacket: row.onePacket ?? false,
    timeouts: row.timeouts ?? {},
    totals: pickTraffic(row),
    servers: row.servers.map(serverStats),
  };
}

export function serverStats(row: NativeServerRow): RealServerStats {
  return withJson({
    address: row.address,
    port: row.port,
    forwarding: row.forwarding as ForwardingMethod,
    tunnelPort: row.tunnelPort,
    tunnelChecksum: row.tunnelChecksum as TunnelChecksum,
    weight: row.weight,
    effectiveWeight: row.effectiveWeight,
    isUp: row.isUp,
    isDraining: row.isDraining,
    ...(row.assignedWeight !== undefined && { assignedWeight: row.assignedWeight }),
    upperThreshold: row.upperThreshold,
    lowerThreshold: row.lowerThreshold,
    activeConnections: row.activeConnections,
    inactiveConnections: row.inactiveConnections,
    persistentConnections: row.persistentConnections,
    overloaded: row.overloaded,
    pathMtu: row.pathMtu,
    tooBig: row.tooBig,
    fragmentsSent: row.fragmentsSent,
    totals: pickTraffic(row),
  });
}

function pickTraffic({ connections, inPackets, inBytes, outPackets, outBytes }: Traffic): Traffic {
  return withJson({ connections, inPackets, inBytes, outPackets, outBytes });
}
