/** Connection policy: a function decides each new connection, while its first packets wait. */
import { types } from 'node:util';
import { TunvsError } from '../values/errors.js';
import type { NativePolicy, NativePolicyColumns } from '../native/policies.js';
import type { NativeServiceRow } from '../native/rows.js';
import { withJson } from '../values/json.js';
import { checkedOptions, functionOption, integerOption, readArguments, refuse } from '../values/options.js';
import { serverName } from '../values/server-options.js';
import { FailureBurst } from './burst.js';
import { type Choices, ConnectionBatch, NewConnection } from './connection-batch.js';
import {
  Policy,
  type PolicyCounters,
  type PolicyBacking,
  type PolicyRunner,
  policyName,
  usableServers,
  zeroCounters,
} from './policy.js';
import { RunnerView } from './runner-view.js';
import type { PolicyServer, PolicySubject, SubjectServer } from './subject.js';

/**
 * Chooses the real server of a new connection: one of `connection.servers`, or its index there. When it returns
 * undefined, the service's scheduler decides.
 */
export type Decide = (connection: NewConnection) => PolicyServer | number | undefined;

/** Chooses the real servers of many new connections, with {@link ConnectionBatch.choose}. */
export type DecideBatch = (batch: ConnectionBatch) => void;

/**
 * The options of {@link connectionPolicy}.
 *
 * @example
 * ```ts
 * import { connectionPolicy, type ConnectionPolicyOptions } from 'tunvs';
 *
 * const options: ConnectionPolicyOptions = { deadlineMs: 20, packetBytes: 64, name: 'by first byte' };
 * const policy = connectionPolicy(({ packet, servers }) => (packet[63] ?? 0) % servers.length, options);
 * console.log(policy.kind, policy.name); // connection by first byte
 * ```
 */
export interface ConnectionPolicyOptions {
  /**
   * Sets how many milliseconds an answer may take before the service's scheduler decides, [1, 10000], rounded up to
   * steps of 4 ms. The default is 50.
   */
  deadlineMs?: number;
  /** Sets how many bytes of the first packet the function sees, [0, 256]. The default is 0. */
  packetBytes?: number;
  /** Names the policy in events and errors. The default is the function's own name. */
  name?: string;
}

const DEFAULT_DEADLINE_MS = 50;

/**
 * Makes a policy whose function chooses the real server of each new connection, while the connection's packets wait.
 *
 * The event loop calls the function for new connections only. The function cannot wait, so a promise is a failure. When
 * it is late, throws, or chooses a server that may not get connections, the service's scheduler decides instead.
 *
 * @param decide - The function. `{ decideBatch }` takes many connections in one call, which costs less when there are
 *   hundreds of thousands in a second.
 * @throws {@link TunvsError} ERR_TUNVS_INVALID_ARGUMENT when an argument is refused.
 * @example
 * ```ts
 * import { connectionPolicy, Director } from 'tunvs';
 *
 * const director = Director.offline({ source: '10.2.0.2' });
 * const policy = connectionPolicy(function evenClients({ clientNumber, servers }) {
 *   return clientNumber % 2 === 0 ? servers[0] : undefined; // undefined: the scheduler decides
 * });
 * const service = director.addVirtualService({ protocol: 'tcp', address: '192.0.2.1', port: 80, policy });
 * service.addRealServer({ address: '10.3.0.11' });
 * console.log(service.policy?.name); // evenClients
 * ```
 */
export function connectionPolicy(
  decide: Decide | { decideBatch: DecideBatch },
  options: ConnectionPolicyOptions = {},
): ConnectionPolicy {
  return new ConnectionPolicy(decide, options);
}

/** A policy whose function chooses the real server of each new connection; {@link connectionPolicy} makes it. */
export class ConnectionPolicy extends Policy {
  /** The kind of policy. */
  readonly kind = 'connection';
  /** @internal */
  readonly decide: Decide | undefined;
  /** @internal */
  readonly decideBatch: DecideBatch | undefined;
  /** @internal */
  readonly deadlineMs: number;
  /** @internal */
  readonly packetBytes: number;

  /** @internal */
  constructor(decide: Decide | { decideBatch: DecideBatch }, given: ConnectionPolicyOptions) {
    const options = checkedOptions('connectionPolicy', given, ['deadlineMs', 'packetBytes', 'name']);
    const isBatch = typeof decide === 'object' && decide !== null;
    const decideBatch = isBatch ? readArguments('connectionPolicy', () => decide.decideBatch) : undefined;
    if (isBatch) functionOption('connectionPolicy: decideBatch', decideBatch);
    else functionOption('connectionPolicy: decide', decide);
    super(policyName('connectionPolicy', options.name, isBatch ? (decideBatch as DecideBatch) : decide));
    this.decide = isBatch ? undefined : decide;
    this.decideBatch = decideBatch;
    this.deadlineMs = integerOption('connectionPolicy: deadlineMs', options.deadlineMs, 1, 10_000, DEFAULT_DEADLINE_MS);
    this.packetBytes = integerOption('connectionPolicy: packetBytes', options.packetBytes, 0, 256, 0);
  }

  /** @internal */
  runFor(service: PolicySubject, backing: PolicyBacking): PolicyRunner {
    return new ConnectionRunner(this, service, backing);
  }
}

let lastId = 0;

/** The id has 32 bits, as the native part keeps it. */
function nextId(): number {
  lastId = (lastId + 1) >>> 0;
  return lastId;
}

/** A connection policy at work on a service. */
export class ConnectionRunner extends RunnerView implements PolicyRunner {
  readonly kind = 'connection';
  readonly policy: ConnectionPolicy;
  /** The native part's name for it. */
  readonly id = nextId();
  readonly #service: PolicySubject;
  readonly #burst: FailureBurst;
  #isInForce = false;
  /** Undefined when the servers have changed since. */
  #choices: Choices | undefined;
  #batch: ConnectionBatch | undefined;

  constructor(policy: ConnectionPolicy, service: PolicySubject, backing: PolicyBacking) {
    super();
    this.policy = policy;
    this.#service = service;
    this.#burst = new FailureBurst(policy, service, backing, () => `its scheduler ${service.scheduler} decides`);
  }

  get counters(): PolicyCounters {
    return withJson({ ...zeroCounters(), ...this.#service.row().policy });
  }

  native(): NativePolicy | undefined {
    if (this.#isInForce) return undefined;
    return {
      kind: 'connection',
      id: this.id,
      deadlineMs: this.policy.deadlineMs,
      packetBytes: this.policy.packetBytes,
    };
  }

  inForce(servers: SubjectServer[]): void {
    this.#isInForce = true;
    const usable = usableServers(servers);
    const known = this.#choices?.servers;
    if (known?.length !== usable.length || usable.some((server, index) => server !== known[index]))
      this.#choices = undefined;
  }

  start(): void {}
  stop(): void {
    this.#isInForce = false;
  }

  async refresh(): Promise<boolean> {
    throw new TunvsError(
      'ERR_TUNVS_UNSUPPORTED',
      `the policy "${this.name}" is asked when a connection comes: there is nothing to refresh`,
    );
  }

  /** Fills in the column of answers. */
  answer(rows: number, columns: NativePolicyColumns): void {
    let batch: ConnectionBatch | undefined;
    try {
      const choices = this.#choices ?? choicesOf(this.#service, this.#service.row());
      this.#choices = choices;
      batch = this.#batch ?? new ConnectionBatch(this.#service, columns, choices);
      this.#batch = batch;
      batch.begin(rows, choices);
      if (this.policy.decideBatch) this.#decideBatch(batch, this.policy.decideBatch);
      else if (this.policy.decide) this.#decideEach(batch, this.policy.decide);
    } catch (error) {
      batch?.fail();
      this.#burst.failed(error);
    }
  }

  #decideBatch(batch: ConnectionBatch, decideBatch: DecideBatch): void {
    const answer: unknown = decideBatch(batch);
    if (answer !== undefined && isPromised(answer)) throw promised('decideBatch');
    if (answer !== undefined) refuse('its answer', answer, 'none from decideBatch, which calls batch.choose()');
    for (let row = 0; row < batch.length; row++) if (batch.hasFailed(row)) this.#refused();
  }

  #decideEach(batch: ConnectionBatch, decide: Decide): void {
    for (let row = 0; row < batch.length; row++) {
      try {
        const answer = decide(new NewConnection(batch, row));
        batch.choose(row, answer);
        if (!batch.hasFailed(row)) continue;
        if (isPromised(answer)) throw promised('decide');
        this.#refused();
      } catch (error) {
        batch.failRow(row);
        this.#burst.failed(error);
      }
    }
  }

  #refused(): void {
    this.#burst.failed(new Error('it chose something other than one of the servers that it was given'));
  }
}

function promised(what: string): Error {
  return new Error(`${what} returned a promise: a connection policy cannot wait`);
}

function isPromised(answer: unknown): boolean {
  // Nobody waits for the promise, so nobody needs to hear that it rejects.
  if (types.isPromise(answer)) void answer.catch(() => {});
  return typeof (answer as { then?: unknown } | null)?.then === 'function';
}

function choicesOf(service: PolicySubject, row: NativeServiceRow): Choices {
  const ids = new Map(row.servers.map((server) => [serverName(server), server.id]));
  // A server that is not in force yet cannot be chosen yet.
  const servers = usableServers(service.realServers).filter((server) => ids.has(serverName(server)));
  return {
    servers,
    ids: Uint32Array.from(servers, (server) => ids.get(serverName(server)) as number),
    indexOf: new Map(servers.map((server, index) => [server, index])),
  };
}
