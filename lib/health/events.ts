/** What a monitor tells: its events, and what it shows of servers and services. */
import type { RealServer, VirtualService } from '../director/virtual-service.js';
import type { TunvsError } from '../values/errors.js';
import type { FailureReason, Finding } from './checks/check.js';

/** The event that a server has come up or gone down. */
export interface ServerHealthEvent {
  /** The virtual service of the server. */
  service: VirtualService;
  /** The server. */
  server: RealServer;
  /** Whether it is up from now on. */
  isUp: boolean;
  /** Whether it is the first that is known of the server. */
  isFirst: boolean;
  /** The name of the check that has decided it; absent when traffic has, or the end of damping. */
  check?: string;
  /** Why a server is down. */
  reason?: FailureReason;
  /** What was found, as in 'http: status 503'. */
  message: string;
  /** What most likely mends it, as a sentence. */
  mend?: string;
  /** When it was found, in milliseconds since 1970. */
  at: number;
}

/** The event that a service has got or lost its quorum. */
export interface QuorumEvent {
  /** The virtual service. */
  service: VirtualService;
  /** Whether it has its quorum from now on. */
  isUp: boolean;
  /** The sum of the weights of its live servers. */
  weight: number;
  /** The sum that it needs. */
  quorum: number;
  /** How many sorry servers are in force from now on. */
  sorryServers: number;
  /** When it was found, in milliseconds since 1970. */
  at: number;
}

/** The event that failures are not acted upon, or are again. */
export interface FailOpenEvent {
  /** The virtual service. */
  service: VirtualService;
  /** Whether the servers are kept as they were. */
  isOpen: boolean;
  /** How many servers fail by their checks. */
  failing: number;
  /** How many servers are checked. */
  of: number;
  /** When it was found, in milliseconds since 1970. */
  at: number;
}

/** The event that a check says what will fail soon, such as a certificate that expires. */
export interface HealthWarningEvent {
  /** The virtual service of the server. */
  service: VirtualService;
  /** The server that was checked. */
  server: RealServer;
  /** The name of the check. */
  check: string;
  /** What will fail soon. */
  message: string;
  /** When it was found, in milliseconds since 1970. */
  at: number;
}

/** The event that the director's own host keeps checks from being made, or the end of that. */
export interface OwnFaultEvent {
  /** What is wrong with the director's host. */
  message: string;
  /** What most likely mends it, as a sentence. */
  mend?: string;
  /** Whether no check has found it any more. */
  isOver: boolean;
  /** When it was found, in milliseconds since 1970. */
  at: number;
}

/** The event that news did not get to its receiver. */
export interface NotifyFailedEvent {
  /** What the receiver is. */
  by: 'command' | 'fifo' | 'webhook';
  /** The program, path or URL, without what may be secret in it. */
  target: string;
  /** Why it did not get there. */
  message: string;
  /** How many pieces of news are lost with this. */
  lost: number;
}

/**
 * The event that checks began more than 100 ms after they were due; once in ten seconds at most. They waited for a place,
 * because too many are due or under way, or for this process, which was busy or stopped.
 */
export interface LateChecksEvent {
  /** How many have begun late since the last such event. */
  checks: number;
  /** The latest of them, in milliseconds. */
  latestMs: number;
  /** For how much of that this process was busy or stopped, in milliseconds. */
  busyMs: number;
}

/** The events of a {@link HealthMonitor}. */
export interface HealthEvents {
  /** A server has come up or gone down, and the change is in force. */
  server: [event: ServerHealthEvent];
  /** A service has got or lost its quorum. */
  quorum: [event: QuorumEvent];
  /** Too many servers have failed at once to be believed, or the end of that. */
  failOpen: [event: FailOpenEvent];
  /** Something will fail soon. */
  warning: [event: HealthWarningEvent];
  /** The director's own host keeps checks from being made, and servers stay as they are; it is told once. */
  ownFault: [event: OwnFaultEvent];
  /** News did not get to its receiver. */
  notifyFailed: [event: NotifyFailedEvent];
  /** What follows from checks could not be put into force; it is tried again in a second. */
  applyFailed: [error: TunvsError];
  /** Checks have begun late. */
  late: [event: LateChecksEvent];
}

/** One result of a check. */
export interface CheckResult extends Finding {
  /** When the check began, in milliseconds since 1970. */
  at: number;
  /** How long the check took, in milliseconds. */
  durationMs: number;
  /** Whether it says nothing about the server: the director itself was stopped, blocked or at fault meanwhile. */
  isVoid?: true;
  /** Whether the director's own host was at fault: no port was left, or its firewall drops the answers. */
  isOwnFault?: true;
}

/** 'unknown' is before the first result. */
export type CheckVerdict = 'unknown' | 'up' | 'down';

/** What is known by one check of a server. */
export interface CheckHealth {
  /** What views and events call the check. */
  name: string;
  /** The name of its kind, as in 'http'. */
  kind: string;
  /** What the check says of the server. */
  verdict: CheckVerdict;
  /** How many results in a row speak against the verdict. */
  against: number;
  /** When the next check begins, in milliseconds since 1970; absent while checks rest. */
  nextAt?: number;
  /** How many checks have passed. */
  passes: number;
  /** How many checks have failed. */
  failures: number;
  /** The last ten results, the newest first. */
  results: CheckResult[];
}

/** What is known of a server. */
export interface ServerHealth {
  /** The server. */
  server: RealServer;
  /** Present for a sorry server, which counts for no quorum. */
  isSorry?: true;
  /** Whether health lets the server have new connections. */
  isUp: boolean;
  /**
   * 'held' is a server that passes and is held down for its flapping; 'kept' is one that fails and is kept by failOpen;
   * 'unchecked' is one that nobody checks.
   */
  state: 'up' | 'down' | 'starting' | 'held' | 'kept' | 'unchecked';
  /** Since when the state is this, in milliseconds since 1970. */
  since: number;
  /** Why the server is down, as in 'http: status 503'. */
  message?: string;
  /** Why the server is down, in a word that programs may compare. */
  reason?: FailureReason;
  /** What most likely mends it, as a sentence. */
  mend?: string;
  /** What is wrong with the director's own host, so that a check cannot be made and the server stays as it is. */
  ownFault?: string;
  /** How checks change the weight. */
  advice?: {
    /** The weight in place of the configured one. */
    weight?: number;
    /** What the configured weight is multiplied with. */
    factor?: number;
    /** What is added to the configured weight. */
    add?: number;
  };
  /** Whether checks rest. */
  isResting: boolean;
  /** What is known by each of its checks. */
  checks: CheckHealth[];
}

/** What is known of a virtual service. */
export interface ServiceHealth {
  /** The virtual service. */
  service: VirtualService;
  /** Whether it has its quorum. */
  isUp: boolean;
  /** Since when it has its quorum or has none, in milliseconds since 1970. */
  since: number;
  /** The sum of the weights of its live servers. */
  weight: number;
  /** The sum that it needs. */
  quorum: number;
  /** How much more brings it up, and how much less takes it down. */
  hysteresis: number;
  /** Whether failures are not acted upon. */
  isFailOpen: boolean;
  /** Whether its sorry servers are in force. */
  isSorry: boolean;
  /** What is known of each of its servers, in their order. */
  servers: ServerHealth[];
}
