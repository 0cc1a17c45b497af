/** What clients may cost. */
import { checkedOptions, integerOption, MAX_INT32, refuse } from '../../values/options.js';

/** What clients may cost. Scripts, dashboards and Prometheus do not reach the defaults. */
export interface DoorLimits {
  /**
   * Bounds the clients that are connected at once; 2048 by default. Beyond it the longest idle one gives way, or the new
   * one gets a 503.
   */
  clients?: number;
  /** Bounds those of one user (unix socket), or of one address (TCP; a /64 for IPv6); 1024 by default. */
  clientsPerPeer?: number;
  /** Bounds how many clients of one user or address are heard in a second, on average; 200 by default. More wait. */
  clientsPerSecond?: number;
  /** Bounds the requests that are being answered at once; 128 by default. Beyond it they get a 503. */
  requests?: number;
  /** Bounds those of one user or address; 64 by default. Beyond it they get a 429. */
  requestsPerPeer?: number;
  /** Bounds those of one connection, that is, pipelined ones; 4 by default. One more gets a 429, and is the last. */
  requestsPerClient?: number;
  /** Bounds how many requests of one user or address begin in a second, on average; 500 by default. More wait. */
  requestsPerSecond?: number;
  /** Bounds the part of the event loop's time that all clients together take, on average; 0.05 by default. More wait. */
  loopShare?: number;
  /** Bounds the requests on one connection, before the client has to make another; 10,000 by default. */
  requestsPerConnection?: number;
  /** Bounds the bytes of the request line and the headers; 16 KiB by default. */
  headerBytes?: number;
  /** Bounds the lines of headers; 64 by default. */
  headers?: number;
  /** Bounds the time for headers to come, from the connection or from the first byte; 10,000 ms by default. */
  headerMs?: number;
  /** Bounds the bytes of one request's body; 80 MiB by default. */
  bodyBytes?: number;
  /** Bounds the bytes of all bodies that are read at once; 160 MiB by default. */
  bodyBytesInAll?: number;
  /** Bounds the time for headers and body to come; 30,000 ms by default. */
  requestMs?: number;
  /** Bounds the time for an answer to begin; 60,000 ms by default. */
  answerMs?: number;
  /** Bounds the time for a reader to take any of what waits for it; 30,000 ms by default. */
  stalledMs?: number;
  /**
   * Bounds the same for a client that may write, as somebody may have a listing open in a pager; 86,400,000 ms by default.
   */
  pausedMs?: number;
  /** Bounds the time between the requests of one connection; 75,000 ms by default. */
  idleMs?: number;
}

/** Rules of 64 MiB, which is the most that `tunvsadm -R` sends, with what their form in JSON adds. */
export const BODY_BYTES = 80 * 1024 * 1024;

export const PAUSED_MS = 24 * 60 * 60 * 1000;

const DEFAULTS: Readonly<Required<DoorLimits>> = {
  clients: 2048,
  clientsPerPeer: 1024,
  clientsPerSecond: 200,
  requests: 128,
  requestsPerPeer: 64,
  requestsPerClient: 4,
  requestsPerSecond: 500,
  loopShare: 0.05,
  requestsPerConnection: 10_000,
  headerBytes: 16 * 1024,
  headers: 64,
  headerMs: 10_000,
  bodyBytes: BODY_BYTES,
  bodyBytesInAll: 2 * BODY_BYTES,
  requestMs: 30_000,
  answerMs: 60_000,
  stalledMs: 30_000,
  pausedMs: PAUSED_MS,
  idleMs: 75_000,
};

const NAMES = Object.keys(DEFAULTS) as (keyof DoorLimits)[];

/** Fills in what is not given. */
export function checkedLimits(given: DoorLimits | undefined): Required<DoorLimits> {
  const limits = checkedOptions('limits', given ?? {}, NAMES);
  const checked = (name: keyof DoorLimits) =>
    name === 'loopShare'
      ? shareOption(limits.loopShare)
      : integerOption(`limits.${name}`, limits[name], 1, MAX_INT32, DEFAULTS[name]);
  return Object.fromEntries(NAMES.map((name) => [name, checked(name)])) as Required<DoorLimits>;
}

function shareOption(value: unknown = DEFAULTS.loopShare): number {
  if (typeof value === 'number' && value > 0 && value <= 1) return value;
  return refuse('limits.loopShare', value, 'a number above 0, and 1 at most');
}
