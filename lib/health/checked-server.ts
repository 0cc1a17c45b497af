/** One real server of a service that is checked: its probes, its flapping, and what follows for it alone. */
import type { RealServer } from '../director/virtual-service.js';
import type { CheckResult, ServerHealth } from './events.js';
import { asksVirtualAddress, type ServerRules, type ServiceRules } from './health-options.js';
import type { Probe, ProbeOptions, Subscriber } from './probe.js';
import type { Prober } from './prober.js';
import { type Advice, combinedAdvice, isSameAdvice } from './rules/advice.js';
import { type CheckState, stateOf } from './rules/check-state.js';
import { type Damping, type DampingRule, NO_PENALTY, penalized, releaseAtMs, released } from './rules/damping.js';
import { forgotten, observed, type PassiveSignals, UNOBSERVED } from './rules/observe.js';
import type { Entry } from './agenda.js';
import type { Clock } from './clock.js';
import type { Wheel } from './wheel.js';

/** What a checked server needs around it. */
export interface Surroundings {
  readonly clock: Clock;
  readonly wheel: Wheel;
  readonly prober: Prober;
  /** Something has changed that the service has to decide about, before anything else is done. */
  changed(server: CheckedServer): void;
  warned(server: CheckedServer, check: string, message: string): void;
}

interface Followed {
  readonly name: string;
  readonly probe: Probe;
  /** The last that was told, as long as it stays. */
  warning: string | undefined;
  warnedAt: number | undefined;
}

/** A server that words its warning anew with each check is heard once in so many milliseconds. */
const WARNING_REST_MS = 60_000;

/** Why a server is as it is, in the words of a view. */
export type Cause = Pick<ServerHealth, 'message' | 'reason' | 'mend'> & { check?: string };

export class CheckedServer implements Subscriber {
  readonly server: RealServer;
  readonly #around: Surroundings;
  #service: ServiceRules;
  #rules: ServerRules;
  #followed: Followed[] = [];
  #isResting = false;
  /** What its checks and its traffic say. */
  passes: boolean;
  /** Whether each of its checks has had a result. */
  isKnown = false;
  /** Since when it fails, on the steady clock; undefined while it passes. */
  failsSinceMs: number | undefined;
  advice: Advice | undefined;
  #cause: Cause = {};
  #damping: Damping = NO_PENALTY;
  #release: Entry | undefined;
  #observed = UNOBSERVED;
  #passesSince = new Map<Probe, number>();

  constructor(server: RealServer, service: ServiceRules, rules: ServerRules, isResting: boolean, around: Surroundings) {
    this.server = server;
    this.#service = service;
    this.#rules = rules;
    this.#around = around;
    this.#isResting = isResting;
    this.#follow(rules, undefined);
    this.passes = this.#followed.every(({ probe }) => probe.isUp);
    this.#review();
  }

  get rules(): ServerRules {
    return this.#rules;
  }

  get cause(): Cause {
    return this.#cause;
  }

  /** Whether it is checked by its virtual address. */
  get needsVip(): boolean {
    return this.#followed.some(({ probe }) => asksVirtualAddress(probe));
  }

  get isHeld(): boolean {
    return this.#damping.isHeld;
  }

  get isResting(): boolean {
    return this.#isResting;
  }

  get followed(): readonly Followed[] {
    return this.#followed;
  }

  /** Goes by these rules from now on. Checks that are the same keep what they know; new ones begin as the server is. */
  become(service: ServiceRules, rules: ServerRules): void {
    if (service.observe === undefined) this.#observed = UNOBSERVED;
    this.#service = service;
    this.#rules = rules;
    this.#dampAnew();
    this.#follow(rules, this.isKnown && !this.passes ? stateOf('down') : undefined);
    this.#review();
  }

  heard(probe: Probe, result: CheckResult): void {
    const followed = this.#followed.find((each) => each.probe === probe);
    if (followed === undefined) return;
    this.#warn(followed, result);
    if (this.#observed.hasFailed && !result.isVoid) this.#countPass(probe, result.passed || probe.isSilence(result));
    this.#review();
  }

  #warn(followed: Followed, { at, warning, isVoid }: CheckResult): void {
    if (warning !== undefined && warning !== followed.warning) {
      // A clock that was set back must not silence it for longer. What stays true is told when the rest is over.
      if (followed.warnedAt !== undefined && Math.abs(at - followed.warnedAt) < WARNING_REST_MS) return;
      followed.warnedAt = at;
      this.#around.warned(this, followed.name, warning);
    }
    // A void result says nothing of what was there before; a warning of its own is told once all the same.
    if (!isVoid || warning !== undefined) followed.warning = warning;
  }

  /** Takes what the traffic tells. */
  observe(signals: PassiveSignals): void {
    const { observe } = this.#service;
    if (observe === undefined) return;
    const before = this.#observed;
    this.#observed = observed(before, signals, observe);
    if (this.#observed.isTroubled) this.hurry();
    if (!this.#observed.hasFailed || before.hasFailed) return;
    this.#passesSince = new Map();
    this.#review();
  }

  /** Asks at once. */
  hurry(): void {
    for (const { probe } of this.#followed) this.#around.wheel.hurry(probe);
  }

  rest(): void {
    this.#isResting = true;
    for (const { probe } of this.#followed) this.#around.prober.rest(this, probe);
  }

  resume(): void {
    this.#isResting = false;
    for (const { probe } of this.#followed) this.#around.prober.resume(this, probe);
  }

  leave(): void {
    for (const { probe } of this.#followed) this.#around.prober.unsubscribe(this, probe);
    this.#followed = [];
    this.#around.wheel.agenda.cancel(this.#release);
  }

  #follow(rules: ServerRules, newState: CheckState | undefined): void {
    const { prober } = this.#around;
    const before = this.#followed;
    this.#followed = rules.checks.map(({ name, check, timing, isAgent }) => {
      const { virtualAddress } = this.#service;
      const options: ProbeOptions = { check, timing, isAgent, virtualAddress, server: this.server };
      const old = before.find((each) => each.name === name);
      const probe = prober.subscribe(this, options, old ? old.probe.state : newState);
      return { name, probe, warning: old?.warning, warnedAt: old?.warnedAt };
    });
    const kept = new Set(this.#followed.map(({ probe }) => probe));
    for (const { probe } of before) if (!kept.has(probe)) prober.unsubscribe(this, probe);
    if (this.#isResting) this.rest();
  }

  #countPass(probe: Probe, hasPassed: boolean): void {
    this.#passesSince.set(probe, hasPassed ? (this.#passesSince.get(probe) ?? 0) + 1 : 0);
    const isBack = this.#followed.every((each) => (this.#passesSince.get(each.probe) ?? 0) >= each.probe.timing.rise);
    if (isBack) this.#observed = forgotten(this.#observed);
  }

  #review(): void {
    const failed = this.#followed.find(({ probe }) => probe.state.verdict === 'down');
    const failing = failed ?? this.#followed.find(({ probe }) => !probe.isUp);
    const passes = failing === undefined && !this.#observed.hasFailed;
    // A check that has failed decides, whatever the others are yet to say.
    const hasFailed = failed !== undefined || this.#observed.hasFailed;
    const isKnown = hasFailed || this.#followed.every(({ probe }) => probe.state.verdict !== 'unknown');
    const advice = combinedAdvice(this.#followed.map(({ probe }) => probe.advice));
    const isNews = passes !== this.passes || isKnown !== this.isKnown || !isSameAdvice(advice, this.advice);
    if (passes || !isKnown) this.failsSinceMs = undefined;
    else this.failsSinceMs ??= this.#around.clock.nowMs();
    if (this.passes && !passes && this.isKnown) this.#penalize();
    this.#cause = this.#causeOf(failing);
    this.passes = passes;
    this.isKnown = isKnown;
    this.advice = advice;
    if (isNews) this.#around.changed(this);
  }

  #causeOf(failing: Followed | undefined): Cause {
    const last = failing ? failing.probe.lastFailure : undefined;
    if (failing && last) {
      const { reason, message, mend } = last;
      const said = `${failing.name}: ${message}`;
      return { check: failing.name, message: said, ...(reason && { reason }), ...(mend !== undefined && { mend }) };
    }
    if (failing) return { message: `${failing.name}: not checked yet` };
    if (this.#observed.hasFailed) return { reason: 'failed', message: 'traffic: new connections get no further' };
    return {};
  }

  #penalize(): void {
    const rule = this.#service.damping;
    if (rule === undefined) return;
    this.#damping = penalized(this.#damping, this.#around.clock.nowMs(), rule);
    this.#planRelease(rule);
  }

  /** By other rules it is let go at another time. */
  #dampAnew(): void {
    const rule = this.#service.damping;
    if (rule === undefined) this.#damping = NO_PENALTY;
    else this.#planRelease(rule);
  }

  #planRelease(rule: DampingRule): void {
    const { agenda } = this.#around.wheel;
    agenda.cancel(this.#release);
    if (this.#damping.isHeld) this.#release = agenda.at(releaseAtMs(this.#damping, rule), () => this.#letGo());
  }

  #letGo(): void {
    const rule = this.#service.damping;
    if (rule === undefined || !this.#damping.isHeld) return;
    this.#damping = released(this.#damping, this.#around.clock.nowMs(), rule);
    if (!this.#damping.isHeld) this.#around.changed(this);
  }
}
