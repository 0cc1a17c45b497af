/** Draining a real server: no new connections, and wait for the end of those it has, or bring it about. */
import { TunvsError } from '../values/errors.js';
import { checkedOptions, durationOption, refuse, signalOption } from '../values/options.js';
import type { RealServerStats } from '../stats/stats.js';
import type { ServerOwner } from './owners.js';
import { serverName } from '../values/server-options.js';

export interface DrainOptions {
  signal?: AbortSignal;
  /**
   * How long to wait at most, by the wall clock, also offline; default: without end. It goes on draining when the time
   * is over.
   */
  timeoutMs?: number;
  /** When to end the connections that are left, on the director's clock; not together with `timeoutMs`. */
  deadlineMs?: number;
}

export interface DrainResult {
  /** Connections that were ended at the deadline; the others ended by themselves. */
  ended: number;
}

/** What is drained: a real server. */
interface Drained {
  readonly service: ServerOwner;
  readonly address: string;
  readonly port: number;
  /** Another one each time that draining begins. */
  readonly drainId: symbol | undefined;
  /** Returns it. */
  beginDrain(): symbol;
  stats(): RealServerStats;
}

/** See {@link RealServer.drain}. */
export async function drain(server: Drained, options: DrainOptions): Promise<DrainResult> {
  const { signal, timeoutMs, deadlineMs } = checkedDrainOptions(options);
  signal?.throwIfAborted();
  const { backing } = server.service.configuration;
  const startMs = backing.monotonicMs();
  // Before the first effect, whatever it might refuse; it takes whole milliseconds alone.
  const timeout = timeoutMs === undefined ? undefined : AbortSignal.timeout(Math.ceil(timeoutMs));
  const drainId = server.beginDrain();
  // Behind that, the transaction has come into force, or failed.
  if (server.service.configuration.isInTransaction) await undefined;
  const either = AbortSignal.any([signal, timeout].filter((each) => each !== undefined));
  let ended = 0;
  let cursor = 0; // not 0: the table is being gone through, and connections or templates may be left behind it
  for (;;) {
    signal?.throwIfAborted();
    if (server.drainId !== drainId) {
      throw new TunvsError(
        'ERR_TUNVS_BUSY',
        `the drain of ${serverName(server)} was taken back, by undrain() or with a transaction that failed: drain it again`,
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
        // Others have their turns, at least as long as this one was.
        await new Promise((resolve) => setTimeout(resolve, 1));
        continue;
      }
      if (connectionsOf(server) === 0) return { ended };
      // A worker that had not heard of the drain yet has opened one since: end it at the next look.
    }
    // A pulse that ends early is one of the cases above, or the director closed, which connectionsOf() will say.
    await backing.nextPulse(either, leftMs !== undefined && leftMs > 0 ? leftMs : undefined).catch(() => {});
  }
}

function checkedDrainOptions(given: DrainOptions) {
  const call = 'RealServer.drain';
  const options = checkedOptions(call, given, ['signal', 'timeoutMs', 'deadlineMs']);
  if (options.timeoutMs !== undefined && options.deadlineMs !== undefined) {
    refuse(`${call}: deadlineMs`, options.deadlineMs, 'none beside timeoutMs, which gives up where a deadline ends');
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
