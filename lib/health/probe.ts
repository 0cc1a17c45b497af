/** One check of one server as it goes on: its state, its last results, and all who go by it. */
import type { RealServer } from '../director/virtual-service.js';
import { attempt, type Attempted } from './attempt.js';
import type { Check, Finding, WeightAdvice } from './checks/check.js';
import type { Clock } from './clock.js';
import type { CheckResult } from './events.js';
import type { OwnFaults } from './own-faults.js';
import { Ring } from './ring.js';
import { type CheckState, type NextCheck, takeResult, takeSilence } from './rules/check-state.js';
import type { Timing } from './timing.js';
import type { Turned, Wheel } from './wheel.js';

/** How a check reaches a server. */
export type Reach = (
  check: Check,
  server: RealServer,
  how: Pick<Timing, 'via' | 'timeoutMs'> & { virtualAddress?: string | undefined },
  signal: AbortSignal,
) => Promise<Finding>;

export interface ProbeOptions {
  readonly check: Check;
  readonly timing: Timing;
  readonly isAgent: boolean;
  /** The virtual address that is checked, where the service does not say it. */
  readonly virtualAddress: string | undefined;
  readonly server: RealServer;
}

/** Who goes by a probe. */
export interface Subscriber {
  readonly server: RealServer;
  /** Hears of each result, after it has been taken. */
  heard(probe: Probe, result: CheckResult): void;
}

export interface ProbeParts {
  readonly clock: Clock;
  readonly wheel: Wheel;
  readonly reach: Reach;
  readonly ownFaults: OwnFaults;
}

/** Failures that are silence when an agent is asked. */
const SILENCE: ReadonlySet<string | undefined> = new Set(['timeout', 'refused', 'unreachable', 'closed']);
const RESULTS = 10;
/** How many failures in a row may be doubted because this process was busy: a dead server is found all the same. */
const DOUBTS = { none: 0, some: 3, full: 10 } as const;

/** What asks at the server's own address once the virtual one has failed takes up to half of the time again. */
const timeToAnswer = ({ timeoutMs, via }: Timing) => ({
  timeoutMs,
  limitMs: via === 'both' ? 1.5 * timeoutMs : timeoutMs,
});

export class Probe implements Turned {
  readonly key: string;
  readonly check: Check;
  readonly timing: Timing;
  readonly isAgent: boolean;
  readonly subscribers = new Set<Subscriber>();
  readonly results = new Ring<CheckResult>(RESULTS);
  passes = 0;
  failures = 0;
  state: CheckState;
  /** The last failure that counted or may count yet. */
  lastFailure: CheckResult | undefined;
  /** What was said last about the weight: it stays while checks fail without a word about it. */
  advice: WeightAdvice | undefined;
  /** The last result, if the director's host was at fault for it. */
  ownFault: CheckResult | undefined;
  readonly #virtualAddress: string | undefined;
  #doubted = 0;
  readonly #parts: ProbeParts;

  constructor(key: string, options: ProbeOptions, state: CheckState, parts: ProbeParts) {
    this.key = key;
    this.check = options.check;
    this.timing = options.timing;
    this.isAgent = options.isAgent;
    this.#virtualAddress = options.virtualAddress;
    this.state = state;
    this.#parts = parts;
  }

  /** Whether it lets the server be up. */
  get isUp(): boolean {
    if (this.state.verdict === 'unknown') return this.timing.start === 'up';
    return this.state.verdict === 'up';
  }

  /** Whether the result says nothing about the server: its agent does not answer. */
  isSilence({ passed, reason }: CheckResult): boolean {
    return this.isAgent && !passed && SILENCE.has(reason);
  }

  /** Any of those that it is about: they differ in nothing that the check sees. */
  get #server(): RealServer | undefined {
    for (const { server } of this.subscribers) return server;
    return undefined;
  }

  begin(finished: (next: NextCheck | 'again') => void): void {
    const { clock, wheel, reach } = this.#parts;
    const { via, timeoutMs } = this.timing;
    const virtualAddress = this.#virtualAddress;
    const at = clock.timeMs();
    const server = this.#server;
    if (server === undefined) return finished('again');
    attempt(
      { clock, agenda: wheel.agenda, stalls: wheel.stalls },
      { ...timeToAnswer(this.timing), closesAll: this.check.closesAll },
      (signal) => reach(this.check, server, { via, timeoutMs, virtualAddress }, signal),
      (attempted) => {
        // What ends while checks rest says nothing: the addresses may be another director's by now.
        const isVoid = this.#isDoubted(attempted.doubt) || wheel.isResting(this);
        const result = resultOf(attempted, isVoid, at);
        const next = this.#take(result);
        finished(next);
        for (const subscriber of [...this.subscribers]) subscriber.heard(this, result);
      },
    );
  }

  /** A process that is always busy finds a dead server all the same, a little later. */
  #isDoubted(doubt: Attempted['doubt']): boolean {
    const isDoubted = this.#doubted < DOUBTS[doubt];
    this.#doubted = isDoubted ? this.#doubted + 1 : 0;
    return isDoubted;
  }

  #take(result: CheckResult): NextCheck | 'again' {
    this.results.push(result);
    if (!result.isVoid || result.isOwnFault) this.#noteOwnFault(result);
    // The host is likely at fault the next time too, so it is asked no sooner than usual.
    if (result.isOwnFault) return this.state.verdict === 'down' ? 'downInterval' : 'interval';
    if (result.isVoid) return 'again';
    if (result.passed) this.passes += 1;
    else this.failures += 1;
    const isSilent = this.isSilence(result);
    const { state, next } = isSilent ? takeSilence(this.state) : takeResult(this.state, result.passed, this.timing);
    this.state = state;
    // A failure that does not count yet must not give a server at its limit its whole weight back.
    if (result.passed || (!isSilent && result.advice !== undefined)) this.advice = result.advice;
    if (!result.passed && !isSilent) this.lastFailure = result;
    return next;
  }

  #noteOwnFault(result: CheckResult): void {
    // What was under way when its last subscriber left ends later, and nothing would take its fault back.
    if (this.subscribers.size === 0) return;
    this.ownFault = result.isOwnFault ? result : undefined;
    this.#parts.ownFaults.take(this, this.ownFault);
  }
}

function resultOf({ finding, durationMs }: Attempted, isVoid: boolean, at: number): CheckResult {
  const { passed, reason, message, mend, warning, advice } = finding;
  const isOwnFault = !passed && finding.isOwnFault === true;
  return {
    at,
    durationMs,
    passed,
    ...(!passed && { reason: reason ?? 'failed' }),
    message,
    ...(mend !== undefined && { mend }),
    ...(warning !== undefined && { warning }),
    ...(advice !== undefined && { advice }),
    ...((isVoid || isOwnFault) && { isVoid: true as const }),
    ...(isOwnFault && { isOwnFault }),
  };
}
