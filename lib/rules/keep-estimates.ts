/** Runs a session's estimator in real time. */
import { ESTIMATE_INTERVAL_MS } from '../stats/rates.js';
import type { RulesSession } from './session.js';

/** Listings have rates from now on, until the function that it returns is called or the director is closed. */
export function keepEstimates(session: RulesSession): () => void {
  session.beginEstimates(performance.now());
  const timer = setInterval(() => {
    try {
      session.stepEstimates();
    } catch {
      // The director closes just now.
      clearInterval(timer);
    }
  }, ESTIMATE_INTERVAL_MS).unref();
  return () => clearInterval(timer);
}
