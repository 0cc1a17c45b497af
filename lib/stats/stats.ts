/** What the director has counted: the shapes that callers see, made of the rows that the native part returns. */
import type { ClientTold, ForwardingMethod, TunnelChecksum } from '../values/forwarding-method.js';
import type { HealthCondition } from '../values/health-condition.js';
import type { CounterName } from './counter-names.js';
import type { HostCounts } from './host-counts.js';
import { withJson } from '../values/json.js';
import type { NativeServerRow, NativeServiceRow } from '../native/rows.js';
import { type PersistenceStats, persistenceStats } from '../values/persistence.js';
import type { Scheduler, SchedulerFlag } from '../values/scheduler.js';
import type { SchedulerOptions } from '../values/scheduler-options.js';
import { type ServiceIdentity, serviceIdentity } from '../values/service-key.js';
import type { StateTimeouts } from '../values/timeouts.js';

/** Totals since the director was opened, or since they were last set back to 0. */
export interface Traffic {
  /** The number of new connections. */
  connections: bigint;
  /** The number of packets from clients to real servers. */
  inPackets: bigint;
  /** The bytes of those packets as they were received, without the outer header. */
  inBytes: bigint;
  /**
   * The number of packets to clients: the replies of servers by `nat`. Replies of all others do not pass the director, so
   * that of theirs only ICMP errors count that were re-created from a tunnel's.
   */
  outPackets: bigint;
  /** The bytes of those packets. */
  outBytes: bigint;
}

/** The statistics of a real server. */
export interface RealServerStats {
  /** The real server's own address (RIP), in its canonical spelling. */
  address: string;
  /** The real server's port; 0 stands for the port that a packet has. */
  port: number;
  /** How packets get to the server. */
  forwarding: ForwardingMethod;
  /** The UDP port that the server takes GUE on. It is 0 unless `forwarding` is 'gue'. */
  tunnelPort: number;
  /** What of a tunnel packet is guarded by a checksum of its own. */
  tunnelChecksum: TunnelChecksum;
  /** Says how the server is told the client's address, with 'snat'. */
  clientAddress: ClientTold;
  /** The weight that is configured, [0, 2^31 - 1]. */
  weight: number;
  /**
   * The weight that the scheduler goes by. It is 0 while the server is down, out of the list or drained, and otherwise
   * the weight that a weights policy has assigned, or that health says, or the configured one. During a slow start it is
   * a part of that, maybe a fraction.
   */
  effectiveWeight: number;
  /** Whether the server is up by hand; see {@link RealServer.isUp}. */
  isUp: boolean;
  /** What health checks say of the server; see {@link RealServer.health}. It is left out when they say nothing new. */
  health?: HealthCondition;
  /** It is true for a sorry server, and left out for any other. */
  isSorry?: true;
  /** Whether a drain keeps new connections from the server. */
  isDraining: boolean;
  /** The weight that a weights policy has assigned. It is left out when there is none. */
  assignedWeight?: number;
  /** The number of connections at which the server gets no new ones; 0 stands for no limit. */
  upperThreshold: number;
  /** The number of connections below which it gets new ones again; 0 is three quarters of the upper threshold. */
  lowerThreshold: number;
  /** The number of connections in an active state, such as SYN_RECV or ESTABLISHED. */
  activeConnections: number;
  /** The number of the other connections, such as those in FIN_WAIT, CLOSE or UDP. */
  inactiveConnections: number;
  /** The number of persistence templates, which are the clients that the server is kept for. */
  persistentConnections: number;
  /** Whether the server has reached its upper threshold and gets no new connections. */
  overloaded: boolean;
  /** The path MTU that is in force, in bytes: the one that ICMP told in the last ten minutes, or the director's. */
  pathMtu: number;
  /** The number of times that a client was told that its packet was too big for the way to this server. */
  tooBig: bigint;
  /** The number of fragments of outer packets that were sent, because the client allowed fragmenting. */
  fragmentsSent: bigint;
  /** The number of connections whose SYN (for SCTP, INIT) came again before anything else came. */
  repeatedOpenings: bigint;
  /** The number of resets (for SCTP, aborts) by clients whose connections were not closed yet. */
  clientResets: bigint;
  /** The number of ICMP errors about packets to this server. Those that tell an MTU do not count. */
  tunnelErrors: bigint;
  /**
   * With full NAT, the number of pairs of address and port that there are for connections to this server: each takes
   * one, whether active or not. It is left out with any other method.
   */
  sourcePairs?: number;
  /**
   * With full NAT, the number of those pairs that are taken. All connections to this server's address and port take one,
   * of whichever service, and so do those of a service or server that was deleted. It is left out with any other method.
   */
  sourcePairsInUse?: number;
  /** The server's traffic. */
  totals: Traffic;
}

/** The statistics of a virtual service. */
export interface VirtualServiceStats extends ServiceIdentity {
  /** The scheduler that chooses the real server of a new connection. */
  scheduler: Scheduler;
  /** The scheduler's flags. */
  schedulerFlags: SchedulerFlag[];
  /** The scheduler's options that were asked for. */
  schedulerOptions: SchedulerOptions;
  /** The persistence that is in force. It is left out when new connections of a client may go anywhere. */
  persistence?: PersistenceStats;
  /** Whether every UDP datagram is scheduled by itself. */
  onePacket: boolean;
  /** The service's own timeouts, in seconds by state. */
  timeouts: StateTimeouts;
  /** The service's traffic. */
  totals: Traffic;
  /**
   * The real servers, the newest first, which is the order in which schedulers walk. {@link VirtualService.realServers}
   * has them in the order of adding, so match them by address and port.
   */
  servers: RealServerStats[];
}

/** The statistics of the connection table. */
export interface ConnectionTableStats {
  /** The number of IPv4 connections in the table. */
  ipv4: number;
  /** The number of IPv6 connections in the table. */
  ipv6: number;
  /** The number of connections of each address family that fit the table. */
  capacity: number;
  /** The memory of the table, in bytes. */
  bytes: number;
  /**
   * The memory of the Call-IDs by which the SIP engine knows its templates, in bytes. It grows and shrinks with their
   * number and is not part of `bytes`.
   */
  persistenceDataBytes: number;
}

/** The statistics of a director. */
export interface DirectorStats {
  /** The time of reading, in milliseconds: since the epoch, or on an offline director's own clock. */
  atMs: number;
  /**
   * The engine's counters by name; {@link counterMeanings} says what each counts. `received` is the sum of `forwarded`,
   * `pinned`, the drops by reason, the packets that were answered (`answeredEcho`, `answeredTooBig`), ICMP that was
   * dealt with (`relayedIcmp`, `recreatedIcmp`, `consumedIcmp`), and those that wait (`parked`, `waitingFragment`).
   */
  counters: Record<CounterName, bigint>;
  /** The statistics of the connection table. */
  table: ConnectionTableStats;
  /** The sum of the traffic of the services that are configured now. */
  totals: Traffic;
  /** The virtual services. */
  services: VirtualServiceStats[];
  /** What had to be put back on the host. It is left out when the director is offline. */
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
    clientAddress: row.clientAddress as ClientTold,
    weight: row.weight,
    effectiveWeight: row.effectiveWeight,
    isUp: row.isUp,
    ...(row.health && { health: row.health as HealthCondition }),
    ...(row.isSorry && { isSorry: true as const }),
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
    repeatedOpenings: row.repeatedOpenings,
    clientResets: row.clientResets,
    tunnelErrors: row.tunnelErrors,
    ...(row.sourcePairs !== undefined && { sourcePairs: row.sourcePairs }),
    ...(row.sourcePairsInUse !== undefined && { sourcePairsInUse: row.sourcePairsInUse }),
    totals: pickTraffic(row),
  });
}

function pickTraffic({ connections, inPackets, inBytes, outPackets, outBytes }: Traffic): Traffic {
  return withJson({ connections, inPackets, inBytes, outPackets, outBytes });
}
