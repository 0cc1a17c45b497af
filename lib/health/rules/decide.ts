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
  readonly failing: number;
  readonly checked: number;
}

export function decide<Server>(
  before: DecisionState<Server>,
  known: Iterable<Known<Server>>,
  rules: DecisionRules,
  nowMs: number,
): Decision<Server> {
  const real: Known<Server>[] = [];
  const failing = new Map<Server, number>();
  let sorryServers = 0;
  let checked = 0;
  for (const each of known) {
    if (each.isSorry) {
      sorryServers += 1;
      continue;
    }
    real.push(each);
    if (each.checked === undefined) continue;
    checked += 1;
    if (each.checked.failsSinceMs !== undefined) failing.set(each.server, each.checked.failsSinceMs);
  }
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
  const isSorry = !isUp && sorryServers > 0;
  return { hasQuorum: isUp, failOpen: open, weight, isSorry, live, failing: failing.size, checked };
}

/** Returns what is said of one of the servers after the decision. */
export function conditionOf<Server>(
  known: Known<Server>,
  { isSorry, live }: Decision<Server>,
  { inhibitSorry }: DecisionRules,
): HealthCondition | undefined {
  return known.isSorry ? sorryCondition(isSorry, inhibitSorry) : realCondition(known, live.has(known.server), isSorry);
}

function isLive<Server>({ server, checked }: Known<Server>, open: FailOpenState<Server>): boolean {
  return checked === undefined || (!checked.isHeld && (checked.passes || open.kept.has(server)));
}

/** While sorry servers are in force, live servers are out of the list and keep the connections that they have. */
function realCondition<Server>(
  { checked }: Known<Server>,
  isLive: boolean,
  isSorry: boolean,
): HealthCondition | undefined {
  if (isLive && isSorry) return { isUp: true, isOut: true, onDown: 'keep', ...checked?.advice };
  if (checked === undefined) return undefined;
  const { advice, inhibit, onDown } = checked;
  return { isUp: isLive, isOut: !isLive && !inhibit, onDown, ...advice };
}

/** Undefined puts a sorry server at rest: out of the list, with the connections that it has. */
function sorryCondition(isInForce: boolean, inhibit: boolean): HealthCondition | undefined {
  if (isInForce) return { isUp: true, isOut: false, onDown: 'keep' };
  return inhibit ? { isUp: false, isOut: false, onDown: 'keep' } : undefined;
}
