/** Whether enough of a service's servers live, with hysteresis: pure. */

export interface QuorumRule {
  readonly quorum: number;
  readonly hysteresis: number;
}

/**
 * Says whether the service has its quorum. It comes up at `quorum + hysteresis`, and goes down below
 * `quorum - hysteresis` or at 0. A service whose servers all together have less than that is up when all of them live.
 *
 * @param wasUp - Undefined before it is known, when the quorum alone decides.
 * @param live - The sum of the weights of live servers.
 * @param total - The sum of the weights of all servers.
 */
export function hasQuorum(wasUp: boolean | undefined, live: number, total: number, rule: QuorumRule): boolean {
  if (live <= 0) return false;
  const quorum = Math.min(rule.quorum, total);
  if (wasUp === undefined) return live >= quorum;
  if (wasUp) return live >= quorum - rule.hysteresis;
  return live >= Math.min(quorum + rule.hysteresis, total);
}
