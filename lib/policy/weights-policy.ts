/** Weights policy: a function sets the weights of a service's servers from whatever it knows, again and again. */
import type { TunvsError } from '../values/errors.js';
import { withJson } from '../values/json.js';
import { checkedOptions, durationOption, functionOption, MAX_INT32, refuse, signalOption } from '../values/options.js';
import { increase, plainRates, type Rates } from '../stats/rates.js';
import { serverName } from '../values/server-options.js';
import { type RealServerStats, type Traffic, zeroTraffic } from '../stats/stats.js';
import { FailureBurst } from './burst.js';
import {
  Policy,
  type PolicyBacking,
  type PolicyRunner,
  policyName,
  policyOver,
  type ServicePolicy,
  zeroCounters,
} from './policy.js';
import { RunnerView } from './runner-view.js';
import type { PolicyServer, PolicyService, PolicySubject } from './subject.js';

/**
 * The options of {@link weightsPolicy}.
 *
 * @example
 * ```ts
 * import { weightsPolicy, type WeightsPolicyOptions } from 'tunvs';
 *
 * const options: WeightsPolicyOptions = { intervalMs: 5000, name: 'equal' };
 * const policy = weightsPolicy((servers) => servers.map(() => 100), options);
 * console.log(policy.kind, policy.name); // weights equal
 * ```
 */
export interface WeightsPolicyOptions {
  /** Sets the milliseconds between two questions, [10, 2^31 - 1]. The default is 1000. */
  intervalMs?: number;
  /** When it is aborted, the questions end. The last answer holds until the policy is taken from the service. */
  signal?: AbortSignal;
  /** Names the policy in events and errors. The default is the function's own name. */
  name?: string;
}

/** A real server with its statistics and rates. */
export interface MeasuredServer extends RealServerStats {
  /** The real server. */
  server: PolicyServer;
  /** The rates since the question before. They are 0 the first time. */
  rates: Rates;
}

/** What a {@link Weigh} is told besides the real servers. */
export interface WeightsContext {
  /** The virtual service that the weights are for. */
  service: PolicyService;
  /** The signal is aborted when the policy is taken from the service, or ends. */
  signal: AbortSignal;
}

/**
 * New weights, [0, 2^31 - 1]: a map by server or by `ADDRESS:PORT`, or an array in the order of `servers`. A server
 * that is left out, or whose weight is undefined, keeps its weight.
 */
export type Weights = ReadonlyMap<PolicyServer | string, number> | readonly (number | undefined)[];

/** Answers the weights of a service's real servers, at once or by a promise. */
export type Weigh = (servers: MeasuredServer[], context: WeightsContext) => Weights | Promise<Weights>;

/**
 * Makes a policy whose function sets the weights of a service's real servers, again and again.
 *
 * The weights that differ come into force as one transaction, in place of the configured ones. The configured weights
 * stay as they are, and hold again when the policy is taken from the service. A server that is down, drained or
 * configured with weight 0 gets no new connections, whatever the answer is. When the function throws, rejects or
 * answers something that cannot be a weight, all weights stay, and an event says so. While an answer is pending, the
 * function is not asked again.
 *
 * @throws {@link TunvsError} ERR_TUNVS_INVALID_ARGUMENT when an argument is refused.
 * @example
 * ```ts
 * import { Director, weightsPolicy } from 'tunvs';
 *
 * const director = Director.offline({ source: '10.2.0.2' });
 * const policy = weightsPolicy((servers) => servers.map(({ activeConnections }) => 1000 - activeConnections));
 * const service = director.addVirtualService({ protocol: 'tcp', address: '192.0.2.1', port: 80, policy });
 * const server = service.addRealServer({ address: '10.3.0.11' });
 * await service.policy?.refresh();
 * console.log(server.weight, server.assignedWeight); // 1 1000
 * ```
 */
export function weightsPolicy(weigh: Weigh, options: WeightsPolicyOptions = {}): WeightsPolicy {
  return new WeightsPolicy(weigh, options);
}

/** A policy whose function sets weights; {@link weightsPolicy} makes it. */
export class WeightsPolicy extends Policy {
  /** The kind of policy. */
  readonly kind = 'weights';
  /** @internal */
  readonly weigh: Weigh;
  /** @internal */
  readonly intervalMs: number;
  /** @internal */
  readonly signal: AbortSignal | undefined;

  /** @internal */
  constructor(weigh: Weigh, given: WeightsPolicyOptions) {
    const options = checkedOptions('weightsPolicy', given, ['intervalMs', 'signal', 'name']);
    functionOption('weightsPolicy: weigh', weigh);
    super(policyName('weightsPolicy', options.name, weigh));
    this.weigh = weigh;
    this.intervalMs = durationOption('weightsPolicy: intervalMs', options.intervalMs, 10, 1000);
    this.signal = signalOption('weightsPolicy: signal', options.signal);
  }

  /** @internal */
  runFor(service: PolicySubject, backing: PolicyBacking): PolicyRunner {
    return new WeightsRunner(this, service, backing);
  }
}

class WeightsRunner extends RunnerView implements PolicyRunner {
  readonly kind = 'weights';
  readonly policy: WeightsPolicy;
  readonly #service: PolicySubject;
  readonly #backing: PolicyBacking;
  readonly #burst: FailureBurst;
  readonly #counts = zeroCounters();
  readonly #ended = new AbortController();
  readonly #aborted = () => this.stop();
  #cancel: (() => void) | undefined;
  #pending: Promise<boolean> | undefined;
  #measured = new Map<PolicyServer, Traffic>();
  #measuredAtMs = 0;

  constructor(policy: WeightsPolicy, service: PolicySubject, backing: PolicyBacking) {
    super();
    this.policy = policy;
    this.#service = service;
    this.#backing = backing;
    this.#burst = new FailureBurst(policy, service, backing, () => 'the weights stay');
  }

  get counters(): ServicePolicy['counters'] {
    return withJson({ ...this.#counts });
  }

  native(): undefined {}
  inForce(): void {}

  start(): void {
    const { signal, intervalMs } = this.policy;
    if (signal?.aborted) return this.stop();
    signal?.addEventListener('abort', this.#aborted, { once: true });
    this.#cancel = this.#backing.every(intervalMs, () => this.#askInTurn());
  }

  stop(): void {
    this.#cancel?.();
    this.policy.signal?.removeEventListener('abort', this.#aborted);
    this.#ended.abort(this.#over());
  }

  async refresh(): Promise<boolean> {
    this.#assertAtWork();
    return this.#pending ?? this.#ask();
  }

  /** The transaction that gave it to the service may have failed, and the one that takes it away may still be open. */
  get #isAtWork(): boolean {
    return !this.#ended.signal.aborted && this.#service.isDecidedBy(this);
  }

  #assertAtWork(): void {
    if (!this.#isAtWork) throw this.#over();
  }

  #over(): TunvsError {
    return policyOver(this.name);
  }

  #askInTurn(): void {
    if (this.#pending) {
      this.#counts.late += 1n;
      return;
    }
    // An event tells of a failure.
    this.#ask().catch(() => {});
  }

  /** An answer that comes at once is in force at once. */
  #ask(): Promise<boolean> {
    this.#counts.asked += 1n;
    const signal = this.#ended.signal;
    try {
      const servers = this.#measure();
      const answer = this.policy.weigh(servers, { service: this.#service, signal });
      if (!isPromise(answer)) return Promise.resolve(this.#apply(servers, answer));
      this.#pending = answer
        .then((weights) => this.#apply(servers, weights))
        .catch((error) => {
          throw this.#fail(error);
        })
        .finally(() => {
          this.#pending = undefined;
        });
      return this.#pending;
    } catch (error) {
      return Promise.reject(this.#fail(error));
    }
  }

  #fail(error: unknown): unknown {
    if (!this.#isAtWork) return this.#over();
    this.#counts.failed += 1n;
    return this.#burst.failed(error);
  }

  #measure(): MeasuredServer[] {
    const now = this.#backing.nowMs();
    const intervalMs = now - this.#measuredAtMs;
    const totals = new Map<PolicyServer, Traffic>();
    const stats = new Map(this.#service.stats().servers.map((each) => [serverName(each), each]));
    const measured: MeasuredServer[] = [];
    for (const server of this.#service.realServers) {
      const counted = stats.get(serverName(server));
      if (counted === undefined) continue; // its transaction is not in force yet
      const before = this.#measured.get(server);
      const rates = plainRates(before ? increase(before, counted.totals) : zeroTraffic(), intervalMs);
      measured.push({ server, ...counted, rates });
      totals.set(server, counted.totals);
    }
    this.#measured = totals;
    this.#measuredAtMs = now;
    return measured;
  }

  #apply(asked: readonly MeasuredServer[], weights: Weights): boolean {
    this.#assertAtWork();
    const wanted = checkedWeights(asked, weights);
    // While the answer was on its way, servers may have gone and come again under the same name.
    const there = new Set<PolicyServer>(this.#service.realServers);
    const changed = this.#service.assignWeights([...wanted].filter(([server]) => there.has(server)));
    this.#counts.answered += 1n;
    return changed > 0;
  }
}

function checkedWeights(asked: readonly MeasuredServer[], weights: Weights): Map<PolicyServer, number> {
  const wanted = new Map<PolicyServer, number>();
  const set = (server: PolicyServer, weight: unknown) => {
    if (weight === undefined) return;
    if (typeof weight !== 'number' || !Number.isInteger(weight) || weight < 0 || weight > MAX_INT32)
      refuse(`its weight of ${serverName(server)}`, weight, `an integer from 0 to ${MAX_INT32}`);
    wanted.set(server, weight);
  };
  if (Array.isArray(weights)) {
    if (weights.length !== asked.length) refuse('its weights', weights, `one for each of the ${asked.length} servers`);
    for (const [index, { server }] of asked.entries()) set(server, weights[index]);
    return wanted;
  }
  if (!(weights instanceof Map)) return refuse('its weights', weights, 'a Map or an array');
  const byName = new Map(asked.map(({ server }) => [serverName(server), server]));
  for (const [key, weight] of weights as ReadonlyMap<PolicyServer | string, unknown>) {
    const server = byName.get(typeof key === 'string' ? key : serverName(key));
    if (server === undefined) refuse('its weights', key, 'servers that it was asked about, or their ADDRESS:PORT');
    else set(server, weight);
  }
  return wanted;
}

function isPromise(value: unknown): value is Promise<Weights> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
