/** How a service's servers are checked, and what follows from that. The configuration has the same fields, with units. */

export type { OnDown } from '../values/health-condition.js';

/** When and how often a server is asked, and when that counts. */
export interface CheckTiming {
  /** The milliseconds from the beginning of a check to that of the next. */
  intervalMs?: number;
  /** The milliseconds that a check may take. */
  timeoutMs?: number;
  /** How many more attempts a server that is up has before one failure counts. */
  retries?: number;
  /** The milliseconds between such attempts. */
  retryDelayMs?: number;
  /** How many checks in a row have to pass before a server that is down is up. */
  rise?: number;
  /** How many checks in a row have to fail, with their retries, before a server that is up is down. */
  fall?: number;
  /** The part of the interval by which it is varied, [0, 1]. */
  jitter?: number;
  /** The milliseconds over which the first checks are spread; the interval by default. */
  warmUpMs?: number;
  /** How a server counts before its first check. */
  start?: 'up' | 'down';
  /** Whether checks go to the virtual address by the pinned flow, to the server's own, or to both. */
  via?: 'vip' | 'address' | 'both';
}
