/**
 * What a policy sees of the virtual service that it decides for, and what it can do there: no more than its work needs.
 */
import type { NativeServiceRow } from '../native/rows.js';
import type { RealServerStats, VirtualServiceStats } from '../stats/stats.js';
import type { ForwardingMethod } from '../values/forwarding-method.js';
import type { Scheduler } from '../values/scheduler.js';
import type { ServiceIdentity } from '../values/service-key.js';

/** A real server as a policy sees it: the part of a {@link RealServer} that a policy may read. */
export interface PolicyServer {
  /** The real server's own address (RIP), in its canonical spelling. */
  readonly address: string;
  /** The real server's port; 0 stands for the port that a packet has. */
  readonly port: number;
  /** The weight that is configured, [0, 2^31 - 1]. */
  readonly weight: number;
  /** Whether the server is healthy; see {@link RealServer.isUp}. */
  readonly isUp: boolean;
  /** Whether a drain keeps new connections from the server. */
  readonly isDraining: boolean;
  /** How packets get to the server. */
  readonly forwarding: ForwardingMethod;
  /** Reads the server's statistics. */
  stats(): RealServerStats;
}

/** A virtual service as a policy sees it: the part of a {@link VirtualService} that a policy may read. */
export interface PolicyService extends ServiceIdentity {
  /** The scheduler that decides when the policy cannot. */
  readonly scheduler: Scheduler;
  /** The real servers, in the order in which they were added. */
  readonly realServers: PolicyServer[];
  /** Reads the statistics of the service and its real servers. */
  stats(): VirtualServiceStats;
}

/** What the machinery of policies needs of a real server beyond that. */
export interface SubjectServer extends PolicyServer {
  /** The weight that it has without a slow start. */
  readonly fullWeight: number;
}

/** What the machinery of policies needs of a service beyond that. */
export interface PolicySubject extends PolicyService {
  /** The servers with their native ids, and what the service's policy has counted. */
  row(): NativeServiceRow;
  readonly realServers: SubjectServer[];
  /** Says whether it is configured and has this policy at work on it, as the open transaction leaves both. */
  isDecidedBy(runner: object): boolean;
  /** Assigns weights as one transaction and passes over servers that are gone; returns how many changed. */
  assignWeights(weights: Iterable<readonly [PolicyServer, number]>): number;
  /** Brings its policy into force anew; `false` within a transaction, where that is for later. */
  refreshPolicy(): boolean;
}
