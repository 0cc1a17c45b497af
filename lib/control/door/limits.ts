/** What clients may cost. */
import { checkedOptions, integerOption, MAX_INT32, refuse } from '../../values/options.js';

/** Each has a default that scripts, dashboards and Prometheus do not reach. */
export interface DoorLimits {
  /** Clients that are connected at once. Beyond it the longest idle one gives way, or the new one gets a 503. */
  clients?: number;
  /** The same for those of one user (unix socket), or of one address (TCP; a /64 for IPv6). */
  clientsPerPeer?: number;
  /** How many clients of one user or address are heard in a second, on average; more of them wait for their turn. */
  clientsPerSecond?: number;
  /** Requests that are being answered at once. Beyond it they get a 503. */
  requests?: number;
  /** The same for those of one user or address. Beyond it they get a 429. */
  requestsPerPeer?: number;
  /** The same for those of one connection, that is, pipelined ones. Beyond it they get a 429, and are the last. */
  requestsPerClient?: number;
  /** How many requests of one user or address begin in a second, on average; more of them wait for their turn. */
  requestsPerSecond?: number;
  /** The part of the event loop's time that all clients together may take, on average; what is more waits. */
  loopShare?: number;
  /** Requests on one connection, before the client has to make another. */
  requestsPerConnection?: number;
  /** Bytes of the request line and the headers. */
  headerBytes?: number;
  /** Lines of headers. */
  headers?: number;
  /** For the headers to come, counted from the connection or from the first byte. */
  headerMs?: number;
  /** Bytes of one request's body. */
  bodyBytes?: number;
  /** Bytes of all bodies that are read at once. */
  bodyBytesInAll?: number;
  /** For headers and body to come. */
  requestMs?: number;
  /** For the answer to begin. */
  answerMs?: number;
  /** For a reader to take any of what waits for it. */
  stalledMs?: number;
  /** Between the requests of one connection. */
  idleMs?: number;
}

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
  bodyBytes: 16 * 1024 * 1024,
  bodyBytesInAll: 64 * 1024 * 1024,
  requestMs: 30_000,
  answerMs: 60_000,
  stalledMs: 30_000,
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
