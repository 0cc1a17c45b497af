/** Tells the failure of most servers at once, which is more likely the director's own, from failures of servers: pure. */
export interface FailOpenRule {
  readonly above: number;
  readonly windowMs: number;
}

export interface FailOpenState<Server> {
  readonly isOpen: boolean;
  /** The servers that fail and are kept as they were. */
  readonly kept: ReadonlySet<Server>;
}

export const CLOSED: FailOpenState<never> = { isOpen: false, kept: new Set() };

/**
 * Takes the servers that fail now, with the times since when they do. It opens when more than the share `above` has
 * begun to fail within the window, and keeps those, and those that fail later. It closes when the servers that are kept
 * are no more than that share.
 *
 * @param of - How many servers are checked.
 */
export function failOpen<Server>(
  before: FailOpenState<Server>,
  failing: ReadonlyMap<Server, number>,
  of: number,
  nowMs: number,
  { above, windowMs }: FailOpenRule,
): FailOpenState<Server> {
  const kept = new Set<Server>();
  // What had failed before it opened stays down, as it was.
  for (const [server, sinceMs] of failing) if (before.kept.has(server) || sinceMs >= nowMs - windowMs) kept.add(server);
  // The quotient is exact where a product is not: 57 of 100 are not more than 0.57.
  return kept.size / of > above ? { isOpen: true, kept } : CLOSED;
}
