/** Drains a real server: gives it no new connections and waits for the end of those it has, or brings that about. */
import { TunvsError } from '../values/errors.js';
import { checkedOptions, durationOption, MAX_INT32, refuse, signalOption } from '../values/options.js';
import type { RealServerStats } from '../stats/stats.js';
import type { ServerOwner } from './owners.js';
import { serverName } from '../values/server-options.js';

/**
 * The options of {@link RealServer.drain}. One of these may be given, not both:
 *
 * - `timeoutMs` sets how long to wait at most, in milliseconds of real time (also offline), [0, 2^31 - 1]. By default
 *   there is no limit. The server stays drained when the time is over.
 * - `deadlineMs` sets after how many milliseconds on the director's clock the connections that are left are ended,
 *   [0, 2^31 - 1].
 *
 * @example
 * ```ts
 * import { Director, type DrainOptions } from 'tunvs';
 *
 * const director = Director.offline({ source: '10.2.0.2' });
 * const service = director.addVirtualService({ protocol: 'tcp', address: '192.0.2.1', port: 80 });
 * const server = service.addRealServer({ address: '10.3.0.11' });
 * // The server has ten minutes; connections that are left then are ended.
 * const options: DrainOptions = { deadlineMs: 600_000 };
 * console.log(await server.drain(options)); // { ended: 0 }
 * ```
 */
export type DrainOptions = {
  /** When it is aborted, the waiting ends and throws its reason. The server stays drained. */
  signal?: AbortSignal;
} & (
  | {
      /**
       * Sets how long to wait at most, in milliseconds of real time (also offline), [0, 2^31 - 1]. By default there is
       * no limit. The server stays drained when the time is over.
       */
      timeoutMs?: number | undefined;
      /** A timeout goes without a deadline. */
      deadlineMs?: undefined;
    }
  | {
      /** A deadline goes without a timeout. */
      timeoutMs?: undefined;
      /**
       * Sets after how many milliseconds on the director's clock the connections that are left are ended,
       * [0, 2^31 - 1].
       */
      deadlineMs?: number | undefined;
    }
);

/** What {@link RealServer.drain} resolves with. */
export interface DrainResult {
  /** The number of connections that were ended at the deadline. The others ended by themselves. */
  ended: number;
}

/** The real server that is drained. */
interface Drained {
  readonly service: ServerOwner;
  readonly address: string;
  readonly port: number;
  /** Changes each time that draining begins. */
  readonly drainId: symbol | undefined;
  /** Starts draining and returns the new `drainId`. */
  beginDrain(): symbol;
  stats(): RealServerStats;
}

/** See {@link RealServer.drain}. */
export async function drain(server: Drained, options: DrainOptions): Promise<DrainResult> {
  const { signal, timeoutMs, deadlineMs } = checkedDrainOptions(options);
  signal?.throwIfAborted();
  const { backing } = server.service.configuration;
  const startMs = backing.monotonicMs();
  // This check comes before the first effect; a timer takes whole milliseconds only.
  const timeout = timeoutMs === undefined ? undefined : AbortSignal.timeout(Math.ceil(timeoutMs));
  const drainId = server.beginDrain();
  // After that await, the transaction has come into force or failed.
  if (server.service.configuration.isInTransaction) await undefined;
  const either = AbortSignal.any([signal, timeout].filter((each) => each !== undefined));
  let ended = 0;
  let cursor = 0; // not 0 while a pass over the table is unfinished: connections or templates may remain behind it
  for (;;) {
    signal?.throwIfAborted();
    if (server.drainId !== drainId) {
      throw new TunvsError(
        'ERR_TUNVS_BUSY',
        `the drain of ${serverName(server)} was taken back by undrain() or a transaction that failed: drain it again`,
      );
    }
    const connections = connectionsOf(server);
    if (connections === 0 && cursor === 0) return { ended };
    if (timeout?.aborted) {
      throw new TunvsError(
        'ERR_TUNVS_BUSY',
        `${serverName(server)} still has ${connections} connections after ${timeoutMs} ms: wait longer, or delete it`,
      );
    }
    const leftMs = deadlineMs === undefined ? undefined : startMs + deadlineMs - backing.monotonicMs();
    if (leftMs !== undefined && leftMs <= 0) {
      const key = { address: server.address, port: server.port };
      const some = backing.endConnections(server.service.nativeKey, key, cursor);
      ended += some.ended;
      cursor = Math.max(some.next, 0);
      if (cursor !== 0) {
        // Others get turns of the event loop at least as long as this one was.
        await new Promise((resolve) => setTimeout(resolve, 1));
        continue;
      }
      if (connectionsOf(server) === 0) return { ended };
      // A worker that had not yet learned of the drain has opened a connection since: the next look ends it.
    }
    // A pulse that ends early means one of the cases above, or a closed director, which connectionsOf() reports.
    await backing.nextPulse(either, leftMs !== undefined && leftMs > 0 ? leftMs : undefined).catch(() => {});
  }
}

/** Timers of Node take no more. */
export const MAX_DRAIN_SECONDS = Math.floor(MAX_INT32 / 1000);

function checkedDrainOptions(given: DrainOptions) {
  const call = 'RealServer.drain';
  // JavaScript may give both.
  const options: { signal?: AbortSignal; timeoutMs?: unknown; deadlineMs?: unknown } = checkedOptions(call, given, [
    'signal',
    'timeoutMs',
    'deadlineMs',
  ]);
  if (options.timeoutMs !== undefined && options.deadlineMs !== undefined) {
    refuse(
      `${call}: deadlineMs`,
      options.deadlineMs,
      'nothing beside timeoutMs, because a timeout stops waiting and a deadline ends the connections',
      'keep one of them',
    );
  }
  const duration = (name: 'timeoutMs' | 'deadlineMs') =>
    options[name] === undefined ? undefined : durationOption(`${call}: ${name}`, options[name], 0);
  return {
    signal: signalOption(`${call}: signal`, options.signal),
    timeoutMs: duration('timeoutMs'),
    deadlineMs: duration('deadlineMs'),
  };
}

function connectionsOf(server: Drained): number {
  const { activeConnections, inactiveConnections } = server.stats();
  return activeConnections + inactiveConnections;
}
