/** What the handles of services and servers need of their director. */
import type { NativeEnded } from '../native/director.js';
import type { NativeServerRow, NativeServiceRow } from '../native/rows.js';
import type { NativeServerKey, NativeServiceKey } from '../native/services.js';
import type { AddressFamily } from '../values/inet.js';

export interface HandleBacking {
  /** Throws ERR_TUNVS_CLOSED when the director is closed. */
  assertOpen(): void;
  serviceRow(service: NativeServiceKey): NativeServiceRow | undefined;
  serverRow(service: NativeServiceKey, server: NativeServerKey): NativeServerRow | undefined;
  /** The families of the director addresses. */
  readonly sourceFamilies: readonly AddressFamily[];
  /** The director addresses, of which some may be ranges. */
  readonly sources: readonly string[];
  /** Whether a canonical address is the host's own, so that a real server there is local. */
  isLocal(address: string): boolean;
  /**
   * Resolves when counts may have changed, or after `atMostMs` where the director has a clock of its own; rejects when
   * the signal is aborted or the director closes.
   */
  nextPulse(signal: AbortSignal | undefined, atMostMs?: number): Promise<void>;
  /** Reads the director's clock, which begins anywhere and never goes back. */
  monotonicMs(): number;
  /** Ends as many connections of a real server as may end at once; see NativeDirector. */
  endConnections(service: NativeServiceKey, server: NativeServerKey, cursor: number): NativeEnded;
}
