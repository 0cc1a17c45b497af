/** One virtual service that is checked: its servers, and what was decided about them. */
import { isDeepStrictEqual } from 'node:util';
import type { RealServer, VirtualService } from '../director/virtual-service.js';
import type { HealthCondition } from '../values/health-condition.js';
import { fullWeight } from '../values/server-condition.js';
import { CheckedServer, type Surroundings } from './checked-server.js';
import type { FailOpenEvent, QuorumEvent, ServerHealthEvent } from './events.js';
import type { ServiceRules } from './health-options.js';
import { CLOSED } from './rules/fail-open.js';
import { conditionOf, type Decision, decide, type Known } from './rules/decide.js';
import type { Advice } from './rules/advice.js';
import { hasQuorum } from './rules/quorum.js';

/** What a decision brings, in the order in which it is told. */
export type News =
  | { name: 'server'; event: ServerHealthEvent /** Whether it counted as the other before. */; isChange: boolean }
  | { name: 'quorum'; event: QuorumEvent }
  | { name: 'failOpen'; event: FailOpenEvent };

/** How a server counts after the last decision. */
export interface Standing {
  readonly isUp: boolean;
  readonly isKnown: boolean;
  readonly condition: HealthCondition | undefined;
  readonly state: 'up' | 'down' | 'starting' | 'held' | 'kept' | 'unchecked';
  /** Milliseconds since 1970. */
  readonly since: number;
}

/** What a decision changes, to be put into force and then kept. */
export interface Draft {
  readonly changes: ReadonlyMap<RealServer, HealthCondition | undefined>;
  readonly news: readonly News[];
  /** REQUIRES: the changes are in force. */
  keep(): void;
  /** The changes are refused: what they were about is to be decided again. */
  drop(): void;
}

export class CheckedService {
  readonly service: VirtualService;
  readonly #around: Surroundings;
  #rules: ServiceRules;
  #isResting: boolean;
  /** Undefined stands for a server that nobody checks. */
  readonly #servers = new Map<RealServer, CheckedServer | undefined>();
  /** What was known of each when it was last decided about. */
  readonly #known = new Map<RealServer, Known<RealServer>>();
  readonly #touched = new Set<RealServer>();
  readonly #standings = new Map<RealServer, Standing>();
  #decision: Decision<RealServer> | undefined;
  #since: number;
  #announced: boolean | undefined;

  constructor(service: VirtualService, rules: ServiceRules, isResting: boolean, around: Surroundings) {
    this.service = service;
    this.#rules = rules;
    this.#isResting = isResting;
    this.#around = around;
    this.#since = around.clock.timeMs();
    for (const server of service.realServers) this.take(server);
  }

  get rules(): ServiceRules {
    return this.#rules;
  }

  get decision(): Decision<RealServer> | undefined {
    return this.#decision;
  }

  /** Since when it has its quorum, or has it not. */
  get since(): number {
    return this.#since;
  }

  get servers(): ReadonlyMap<RealServer, CheckedServer | undefined> {
    return this.#servers;
  }

  /**
   * Says whether it has its quorum by those servers alone of which something is known, and those that nobody checks: an
   * address is not announced for servers that are only assumed to be up.
   */
  decideAnnouncement(): boolean | undefined {
    const decision = this.#decision;
    if (decision === undefined) return undefined;
    let live = 0;
    let total = 0;
    for (const { server, isSorry, weight, wholeWeight } of this.#known.values()) {
      if (isSorry) continue;
      total += wholeWeight;
      if (decision.live.has(server) && (this.#servers.get(server)?.isKnown ?? true)) live += weight;
    }
    this.#announced = decision.hasQuorum && hasQuorum(this.#announced, live, total, this.#rules.quorum);
    return this.#announced;
  }

  standing(server: RealServer): Standing | undefined {
    return this.#standings.get(server);
  }

  become(rules: ServiceRules): void {
    this.#rules = rules;
    for (const server of this.service.realServers) this.take(server);
  }

  /** A server has come, or has been edited. */
  take(server: RealServer): void {
    const rules = server.isSorry ? undefined : this.#rules.rulesFor(server);
    const before = this.#servers.get(server);
    this.#touched.add(server);
    if (rules && before) return before.become(this.#rules, rules);
    before?.leave();
    this.#servers.set(server, rules && new CheckedServer(server, this.#rules, rules, this.#isResting, this.#around));
  }

  drop(server: RealServer): void {
    this.#servers.get(server)?.leave();
    this.#servers.delete(server);
    this.#standings.delete(server);
    this.#known.delete(server);
    this.#touched.delete(server);
  }

  leave(): void {
    for (const server of [...this.#servers.keys()]) this.drop(server);
  }

  rest(): void {
    this.#isResting = true;
    for (const server of this.#servers.values()) server?.rest();
  }

  resume(): void {
    this.#isResting = false;
    for (const server of this.#servers.values()) server?.resume();
  }

  /** The server is to be decided about. */
  touch(server: RealServer): void {
    if (this.#servers.has(server)) this.#touched.add(server);
  }

  /** Decides by what is known now. Nothing is changed until the draft is kept. */
  draft(): Draft {
    const { clock } = this.#around;
    const at = clock.timeMs();
    // What a listener touches while the changes come into force is for the next draft.
    const touched = [...this.#touched];
    this.#touched.clear();
    for (const server of touched) this.#know(server);
    const before = this.#decision;
    const state = before ?? { hasQuorum: undefined, failOpen: CLOSED };
    const decision = decide(state, this.#known.values(), this.#rules, clock.nowMs());
    const standings = new Map<RealServer, Standing>();
    const changes = new Map<RealServer, HealthCondition | undefined>();
    const news: News[] = [];
    for (const server of isWide(before, decision) ? this.#known.keys() : touched) {
      const known = this.#known.get(server);
      if (known === undefined || !this.service.isConfigured(server)) continue;
      const last = this.#standings.get(server);
      const standing = this.#standingOf(known, decision, last, at);
      standings.set(server, standing);
      // What is in force is compared, for a transaction around a change may have been taken back.
      if (!isDeepStrictEqual(server.health, standing.condition)) changes.set(server, standing.condition);
      const event = this.#serverNews(server, last, standing, at);
      if (event) news.push({ name: 'server', event, isChange: (last?.isUp ?? true) !== event.isUp });
    }
    const isNewQuorum = decision.hasQuorum !== (before?.hasQuorum ?? true);
    news.push(...this.#serviceNews(decision, isNewQuorum, at));
    return {
      changes,
      news,
      keep: () => {
        this.#decision = decision;
        for (const [server, standing] of standings)
          if (this.#servers.has(server)) this.#standings.set(server, standing);
        if (isNewQuorum) this.#since = at;
      },
      drop: () => {
        for (const server of touched) this.touch(server);
      },
    };
  }

  #know(server: RealServer): void {
    if (this.service.isConfigured(server)) this.#known.set(server, knownOf(server, this.#servers.get(server)));
    else this.#known.delete(server);
  }

  #standingOf(
    known: Known<RealServer>,
    decision: Decision<RealServer>,
    last: Standing | undefined,
    at: number,
  ): Standing {
    const checked = this.#servers.get(known.server);
    const isUp = known.isSorry ? decision.isSorry : decision.live.has(known.server);
    const state = stateOf(checked, isUp);
    const condition = conditionOf(known, decision, this.#rules);
    return {
      isUp,
      isKnown: checked?.isKnown ?? true,
      condition,
      state,
      since: last?.state === state ? last.since : at,
    };
  }

  #serverNews(
    server: RealServer,
    last: Standing | undefined,
    { isUp, isKnown }: Standing,
    at: number,
  ): ServerHealthEvent | undefined {
    const checked = this.#servers.get(server);
    if (checked === undefined) return undefined;
    const isFirst = isKnown && !last?.isKnown;
    // A server that begins as down, and of which nothing is known, is no news.
    if (!isKnown || (!isFirst && last?.isUp === isUp)) return undefined;
    const { check, reason, message, mend } = isUp ? { ...PASSED } : heldOr(checked);
    return {
      ...{ service: this.service, server, isUp, isFirst },
      ...(check !== undefined && { check }),
      ...(reason !== undefined && { reason }),
      message: message ?? '',
      ...(mend !== undefined && { mend }),
      at,
    };
  }

  #serviceNews(decision: Decision<RealServer>, isNewQuorum: boolean, at: number): News[] {
    const news: News[] = [];
    const { service } = this;
    const { failing, checked: of, hasQuorum: isUp, weight } = decision;
    const { isOpen } = decision.failOpen;
    if (isOpen !== (this.#decision?.failOpen.isOpen ?? false))
      news.push({ name: 'failOpen', event: { service, isOpen, failing, of, at } });
    if (isNewQuorum) {
      const sorryServers = decision.isSorry ? [...this.#servers.keys()].filter(({ isSorry }) => isSorry).length : 0;
      const { quorum } = this.#rules.quorum;
      news.push({ name: 'quorum', event: { service, isUp, weight, quorum, sorryServers, at } });
    }
    return news;
  }
}

const PASSED: CheckedServer['cause'] = { message: 'passed' };

function heldOr(checked: CheckedServer): CheckedServer['cause'] {
  return checked.passes ? { message: 'held down because it goes up and down too often' } : checked.cause;
}

function stateOf(checked: CheckedServer | undefined, isUp: boolean): Standing['state'] {
  if (checked === undefined) return 'unchecked';
  if (!checked.isKnown) return 'starting';
  if (isUp) return checked.passes ? 'up' : 'kept';
  return checked.passes ? 'held' : 'down';
}

/** Whether more servers may stand otherwise than those that were touched. */
function isWide(before: Decision<RealServer> | undefined, after: Decision<RealServer>): boolean {
  if (before === undefined || before.isSorry !== after.isSorry) return true;
  const [kept, keptNow] = [before.failOpen.kept, after.failOpen.kept];
  return kept.size !== keptNow.size || [...keptNow].some((server) => !kept.has(server));
}

function knownOf(server: RealServer, checked: CheckedServer | undefined): Known<RealServer> {
  const { isSorry } = server;
  const weights = { weight: liveWeight(server, checked?.advice), wholeWeight: server.assignedWeight ?? server.weight };
  if (checked === undefined) return { server, isSorry, ...weights };
  const { passes, failsSinceMs, isHeld, advice } = checked;
  const { inhibit, onDown } = checked.rules;
  return { server, isSorry, checked: { passes, failsSinceMs, isHeld, advice, inhibit, onDown }, ...weights };
}

/** Returns the weight that the server has when health lets it be up. */
function liveWeight(server: RealServer, advice: Advice | undefined): number {
  const { isUp, drainId, assignedWeight, weight } = server;
  const health = { isUp: true, isOut: false, onDown: 'keep', ...advice } as const;
  return fullWeight(weight, {
    isUp,
    health,
    ...(drainId !== undefined && { drainId }),
    ...(assignedWeight !== undefined && { assignedWeight }),
  });
}
