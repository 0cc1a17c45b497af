/** Reads what the traffic of a server tells, from its statistics. */
import type { RealServer } from '../director/virtual-service.js';
import type { PassiveSignals } from './rules/observe.js';

/** Returns undefined when the server cannot be read now, as between a transaction and its being in force. */
export function readSignals(server: RealServer): PassiveSignals | undefined {
  try {
    const { totals, repeatedOpenings, clientResets, tunnelErrors } = server.stats();
    return {
      newConnections: Number(totals.connections),
      troubles: Number(repeatedOpenings + clientResets + tunnelErrors),
    };
  } catch {
    // The server was deleted meanwhile, or is not in force yet; the next period reads again.
    return undefined;
  }
}
