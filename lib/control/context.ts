/** What the control API needs of whoever runs the director. */
import type { Director } from '../director/director.js';
import type { AdmPiece } from '../rules/adm/piece.js';
import type { RulesSession } from '../rules/session.js';
import type { Membership } from '../fleet/membership.js';
import type { HealthSlot } from '../health/view.js';
import type { DoorLog } from './door/door.js';
import { BODY_BYTES, PAUSED_MS } from './door/limits.js';

/** What a reload has changed, or would change. */
export interface ReloadReport {
  /** A change each, in the order in which they are made. */
  readonly changes: readonly object[];
}

/** What is left out, the API says that this director does not have. */
export interface ControlContext {
  director: Director;
  session: RulesSession;
  /** The director's name among those of its host. */
  name: string;
  /** Of the package. */
  version?: string;
  /** Executes a call of ipvsadm at the session. */
  execute?: (
    session: RulesSession,
    call: { argv: readonly string[]; stdin?: string; signal?: AbortSignal },
  ) => AsyncGenerator<AdmPiece>;
  /** Whether such a call changes nothing, so that a caller who may read may make it. By default none does. */
  isListing?: (argv: readonly string[]) => boolean;
  reload?: (options: { dryRun: boolean; reset: boolean }) => Promise<ReloadReport>;
  metrics?: (options: { servers: boolean; format: 'prometheus' | 'openmetrics' }) => Iterable<string>;
  /** Returns what is in force, with its origin. */
  spec?: () => unknown;
  /** Where the monitor of health is, or will be. */
  health?: HealthSlot;
  /** How the director stands to its fleet, and what else decides about its role. */
  fleet?: Membership;
  /** Where the API says what failed on its own side. */
  log?: Pick<DoorLog, 'warn' | 'error'>;
  limits?: Partial<ControlLimits>;
}

export interface ControlLimits {
  /** The longest body of a request, in bytes. */
  bodyBytes: number;
  /** How many streams are open at once: of events, of connections and of ipvsadm. */
  streams: number;
  /**
   * After how long a stream is cut whose reader takes nothing, in milliseconds. One of a caller who may write gives way
   * after that only when there is no room for another stream.
   */
  stalledMs: number;
  /** After how long it is cut all the same, in milliseconds: somebody may have a listing open in a pager. */
  pausedMs: number;
  /** The time between two signs of life on a stream of events, in milliseconds. */
  heartbeatMs: number;
}

export const DEFAULT_LIMITS: ControlLimits = {
  bodyBytes: BODY_BYTES,
  streams: 48,
  stalledMs: 30_000,
  pausedMs: PAUSED_MS,
  heartbeatMs: 15_000,
};
