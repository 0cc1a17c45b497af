/** What follows for a service's servers from what is known of each: pure. */
import type { HealthCondition, OnDown } from '../../values/health-condition.js';
import type { Advice } from './advice.js';
import { CLOSED, failOpen, type FailOpenRule, type FailOpenState } from './fail-open.js';
import { hasQuorum, type QuorumRule } from './quorum.js';

/** What is known of a server. */
export interface Known<Server> {
  readonly server: Server;
  /** A sorry server is not checked, and counts for nothing. */
  readonly isSorry: boolean;
  /** Absent when nobody checks it: then it counts as up. */
  readonly checked?: {
    readonly passes: boolean;
    /** Since when it fails; undefined while it passes, and while nothing is known of it. */
    readonly failsSinceMs: number | undefined;
    /** Whether it is held down although it passes. */
    readonly isHeld: boolean;
    readonly advice: Advice | undefined;
    readonly inhibit: boolean;
    readonly onDown: OnDown;
  };
  /** Its weight if it is live; 0 when it is down by hand or drained. */
  readonly weight: number;
  /** Its weight as it counts for all servers together. */
  readonly wholeWeight: number;
}

export interface DecisionRules {
  readonly quorum: QuorumRule;
  readonly failOpen: FailOpenRule | undefined;
  readonly inhibitSorry: boolean;
}

export interface DecisionState<Server> {
  /** Undefined before anything was decided. */
  readonly hasQuorum: boolean | undefined;
  readonly failOpen: FailOpenState<Server>;
}

export interface Decision<Server> extends DecisionState<Server> {
  readonly hasQuorum: boolean;
  /** The sum of the weights of live servers. */
  readonly weight: number;
  readonly isSorry: boolean;
  readonly live: ReadonlySet<Server>;
  readonly conditions: ReadonlyMap<Server, HealthCondition | undefined>;
  readonly failing: number;
  readonly checked: number;
}

export function decide<Server>(
  before: DecisionState<Server>,
  known: readonly Known<Server>[],
  rules: DecisionRules,
  nowMs: number,
): Decision<Server> {
  const real = known.filter(({ isSorry }) => !isSorry);
  const failing = new Map<Server, number>();
  for (const { server, checked } of real)
    if (checked?.failsSinceMs !== undefined) failing.set(server, checked.failsSinceMs);
  const checked = real.filter((each) => each.checked).length;
  const open = rules.failOpen ? failOpen(before.failOpen, failing, checked, nowMs, rules.failOpen) : CLOSED;
  const live = new Set<Server>();
  let weight = 0;
  let total = 0;
  for (const each of real) {
    total += each.wholeWeight;
    if (!isLive(each, open)) continue;
    live.add(each.server);
    weight += each.weight;
  }
  const isUp = hasQuorum(before.hasQuorum, weight, total, rules.quorum);
  const isSorry = !isUp && real.length < known.length;
  const conditions = new Map<Server, HealthCondition | undefined>();
  for (const each of known) {
    const condition = each.isSorry
      ? sorryCondition(isSorry, rules.inhibitSorry)
      : realCondition(each, live.has(each.server), isSorry);
    conditions.set(each.server, condition);
  }
  return { hasQuorum: isUp, failOpen: open, weight, isSorry, live, conditions, failing: failing.size, checked };
}

function isLive<Server>({ server, checked }: Known<Server>, open: FailOpenState<Server>): boolean {
  return checked === undefined || (!checked.isHeld && (checked.passes || open.kept.has(server)));
}

/** While sorry servers are in force, live servers are out of the list and keep the connections that they have. */
function realCondition<Server>({ checked }: Known<Server>, isLive: boolean, isSorry: boolean) {
  if (isLive && isSorry) return { isUp: true, isOut: true, onDown: 'keep' as const, ...checked?.advice };
  if (checked === undefined) return undefined;
  const { advice, inhibit, onDown } = checked;
  return { isUp: isLive, isOut: !isLive && !inhibit, onDown, ...advice };
}

/** Undefined puts a sorry server at rest: out of the list, with the connections that it has. */
function sorryCondition(isInForce: boolean, inhibit: boolean): HealthCondition | undefined {
  if (isInForce) return { isUp: true, isOut: false, onDown: 'keep' };
  return inhibit ? { isUp: false, isOut: false, onDown: 'keep' } : undefined;
}
