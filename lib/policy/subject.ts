/** What a policy sees of the virtual service that it decides for, and what it can do there: no more than its work needs. */
import type { NativeServiceRow } from '../native/rows.js';
import type { RealServerStats, VirtualServiceStats } from '../stats/stats.js';
import type { ForwardingMethod } from '../values/forwarding-method.js';
import type { Scheduler } from '../values/scheduler.js';
import type { ServiceIdentity } from '../values/service-key.js';

/** A real server, as a policy is handed it: {@link RealServer}'s handle, of which it may read this. */
export interface PolicyServer {
  /** The real server's own address (RIP), in its canonical spelling. */
  readonly address: string;
  readonly port: number;
  /** What is configured. */
  readonly weight: number;
  readonly isUp: boolean;
  readonly isDraining: boolean;
  readonly forwarding: ForwardingMethod;
  stats(): RealServerStats;
}

/** A virtual service, as a policy is handed it: {@link VirtualService}'s handle, of which it may read this. */
export interface PolicyService extends ServiceIdentity {
  readonly scheduler: Scheduler;
  /** In the order of adding. */
  readonly realServers: PolicyServer[];
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
