/** Reads what the traffic of a server tells, from its statistics. */
import type { RealServer } from '../director/virtual-service.js';
import type { PassiveSignals } from './rules/observe.js';

/** The counters of troubles: connections without progress, resets by clients, ICMP errors of the tunnel. */
interface Troubles {
  readonly repeatedOpenings?: bigint;
  readonly clientResets?: bigint;
  readonly tunnelErrors?: bigint;
}

/** Returns undefined when the server cannot be read now, as between a transaction and its being in force. */
export function readSignals(server: RealServer): PassiveSignals | undefined {
  try {
    const stats = server.stats();
    const { repeatedOpenings = 0n, clientResets = 0n, tunnelErrors = 0n }: Troubles = stats as Troubles;
    return {
      newConnections: Number(stats.totals.connections),
      troubles: Number(repeatedOpenings + clientResets + tunnelErrors),
    };
  } catch {
    // The server was deleted meanwhile, or is not in force yet; the next period reads again.
    return undefined;
  }
}
