/** Draining a real server: no new connections, and wait for the end of those it has. */
import { TunvsError } from './errors.js';
import { checkedOptions, durationOption, signalOption } from './options.js';
import type { RealServer } from './real-server.js';
import { serverName } from './service-options.js';

export interface DrainOptions {
  signal?: AbortSignal;
  /** How long to wait at most; default: without end. The weight stays 0 when the time is over. */
  timeoutMs?: number;
}

/** See {@link RealServer.drain}. */
export async function drain(server: RealServer, options: DrainOptions): Promise<void> {
  checkedOptions('RealServer.drain', options, ['signal', 'timeoutMs']);
  const signal = signalOption('RealServer.drain: signal', options.signal);
  const timeoutMs =
    options.timeoutMs === undefined ? undefined : durationOption('RealServer.drain: timeoutMs', options.timeoutMs, 0);
  signal?.throwIfAborted();
  server.weight = 0;
  const timeout = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs);
  const either = AbortSignal.any([signal, timeout].filter((each) => each !== undefined));
  for (;;) {
    signal?.throwIfAborted();
    const connections = connectionsOf(server);
    if (connections === 0) return;
    if (timeout?.aborted) {
      throw new TunvsError(
        'ERR_TUNVS_BUSY',
        `${serverName(server)} still has ${connections} connections after ${timeoutMs} ms: wait longer, or delete it`,
      );
    }
    if (server.weight > 0) {
      throw new TunvsError(
        'ERR_TUNVS_BUSY',
        `${serverName(server)} was given weight ${server.weight} while it was drained: drain it again`,
      );
    }
    // A pulse that ends early is one of the cases above, or the director closed, which connectionsOf() will say.
    await server.service.configuration.ports.nextPulse(either).catch(() => {});
  }
}

function connectionsOf(server: RealServer): number {
  const { activeConnections, inactiveConnections } = server.stats();
  return activeConnections + inactiveConnections;
}
