/** How the checks of a monitor reach real servers, and what the host holds for that. */
import type { Director } from '../director/director.js';
import type { RealServer } from '../director/virtual-service.js';
import type { Reach } from './probe.js';
import { PinnedWays } from './way/pinned-ways.js';
import { runCheck } from './way/run-check.js';

export interface Reaching {
  readonly reach: Reach;
  /** Prepares the host for checks of these servers by their virtual addresses, and gives back what others needed. */
  prepare(servers: ReadonlyMap<RealServer, { virtualAddress: string | undefined }>): void;
  /** Says what keeps checks of these servers by their virtual addresses from passing, once it is prepared. */
  warnings(servers: Iterable<RealServer>): string[];
  close(): void;
}

export function reaching(director: Director): Reaching {
  const ways = new PinnedWays(director);
  return {
    reach: (check, server, { via, timeoutMs, virtualAddress }, signal) =>
      runCheck(ways, { check, server, via, timeoutMs, target: { virtualAddress }, signal, isTimed: true }),
    prepare: (servers) => ways.prepare(servers.keys(), (server) => servers.get(server) ?? {}),
    warnings: (servers) => ways.warnings(servers),
    close: () => ways[Symbol.dispose](),
  };
}
