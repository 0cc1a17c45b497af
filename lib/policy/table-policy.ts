/** Table policy: a function builds a lookup table when the servers change; native code looks connections up in it. */
import type { NativePolicy } from '../native/policies.js';
import { withJson } from '../values/json.js';
import { choiceOption, checkedOptions, functionOption, integerOption, refuse } from '../values/options.js';
import { FailureBurst } from './burst.js';
import {
  Policy,
  type PolicyBacking,
  type PolicyRunner,
  policyName,
  policyOver,
  type ServicePolicy,
  usableServers,
  zeroCounters,
} from './policy.js';
import { RunnerView } from './runner-view.js';
import type { PolicyServer, PolicyService, PolicySubject, SubjectServer } from './subject.js';

/** The values of {@link TableHash}. */
export const tableHashes = ['client', 'client-port'] as const;

/** Says what of a connection picks its slot: the client's address, or the address together with the port. */
export type TableHash = (typeof tableHashes)[number];

/**
 * The options of {@link tablePolicy}.
 *
 * @example
 * ```ts
 * import { tablePolicy, type TablePolicyOptions } from 'tunvs';
 *
 * const options: TablePolicyOptions = { size: 1021, hash: 'client-port', name: 'even' };
 * const policy = tablePolicy(
 *   (servers, { size }) => Array.from({ length: size }, (_, slot) => slot % servers.length),
 *   options,
 * );
 * console.log(policy.kind, policy.name); // table even
 * ```
 */
export interface TablePolicyOptions {
  /** Sets the number of slots that the function is asked for, [1, 16777216]. The default is 65537. */
  size?: number;
  /** Says what picks a slot. With the default, 'client', a client always comes to the same server. */
  hash?: TableHash;
  /** Names the policy in events and errors. The default is the function's own name. */
  name?: string;
}

/** What a {@link BuildTable} is told besides the real servers. */
export interface TableContext {
  /** The number of slots that are asked for. */
  size: number;
  /** The virtual service that the table is for. */
  service: PolicyService;
}

/**
 * Builds a table: the server of each slot as an index of `servers`, [1, 16777216] slots. `servers` holds the real
 * servers that may get new connections (up, not drained, of a weight above 0), in the order in which they were added.
 * Sort them when several directors have to agree on the table.
 */
export type BuildTable = (servers: PolicyServer[], context: TableContext) => ArrayLike<number>;

const MAX_SLOTS = 2 ** 24;
const DEFAULT_SLOTS = 65537;

/**
 * Makes a policy whose function builds a lookup table whenever the servers change. Native code looks connections up in
 * it.
 *
 * The function is called within the transaction that changes the service's servers or their weights. When it throws, or
 * its table cannot be used, the change comes into force all the same; the service's scheduler decides until a later
 * table can be used, and an event says so. While the function runs, the director's configuration cannot be changed
 * (ERR_TUNVS_BUSY).
 *
 * @throws {@link TunvsError} ERR_TUNVS_INVALID_ARGUMENT when an argument is refused.
 * @example
 * ```ts
 * import { Director, tablePolicy } from 'tunvs';
 *
 * const director = Director.offline({ source: '10.2.0.2' });
 * const policy = tablePolicy(function even(servers, { size }) {
 *   return Uint32Array.from({ length: size }, (_, slot) => slot % servers.length);
 * });
 * const service = director.addVirtualService({ protocol: 'tcp', address: '192.0.2.1', port: 80, policy });
 * service.addRealServer({ address: '10.3.0.11' });
 * console.log(service.policy?.name, service.policy?.counters.answered); // even 1n
 * ```
 */
export function tablePolicy(build: BuildTable, options: TablePolicyOptions = {}): TablePolicy {
  return new TablePolicy(build, options);
}

/** A policy whose function builds a lookup table; {@link tablePolicy} makes it. */
export class TablePolicy extends Policy {
  /** The kind of policy. */
  readonly kind = 'table';
  readonly #build: BuildTable;
  readonly #size: number;
  readonly #hash: TableHash;

  /** @internal */
  constructor(build: BuildTable, given: TablePolicyOptions) {
    const options = checkedOptions('tablePolicy', given, ['size', 'hash', 'name']);
    functionOption('tablePolicy: build', build);
    super(policyName('tablePolicy', options.name, build));
    this.#build = build;
    this.#size = integerOption('tablePolicy: size', options.size, 1, MAX_SLOTS, DEFAULT_SLOTS);
    this.#hash = choiceOption('tablePolicy: hash', options.hash, tableHashes, 'client');
  }

  /** @internal */
  runFor(service: PolicySubject, backing: PolicyBacking): PolicyRunner {
    return new TableRunner(this, service, backing);
  }

  /** Returns the table for these servers, checked. @internal */
  build(servers: PolicyServer[], service: PolicySubject): NativePolicy {
    const table = this.#build([...servers], { size: this.#size, service });
    if (typeof table !== 'object' || table === null || !Number.isInteger(table.length))
      refuse('its table', table, 'an array of indexes of the servers');
    if (table.length < 1 || table.length > MAX_SLOTS) refuse('its table', table.length, `from 1 to ${MAX_SLOTS} slots`);
    const slots = Uint32Array.from(table);
    for (let slot = 0; slot < slots.length; slot++) {
      if (table[slot] !== slots[slot] || (slots[slot] as number) >= servers.length)
        refuse(`its table's slot ${slot}`, table[slot], `an index of its servers, from 0 to ${servers.length - 1}`);
    }
    return {
      kind: 'table',
      servers: servers.map(({ address, port }) => ({ address, port })),
      slots,
      hashesPort: this.#hash === 'client-port',
    };
  }
}

class TableRunner extends RunnerView implements PolicyRunner {
  readonly kind = 'table';
  readonly policy: TablePolicy;
  readonly #service: PolicySubject;
  readonly #burst: FailureBurst;
  #counts = zeroCounters();
  /** Names the servers and weights that the table in force was built for. */
  #built: string | undefined;
  #failure: unknown;
  #isForced = false;

  constructor(policy: TablePolicy, service: PolicySubject, backing: PolicyBacking) {
    super();
    this.policy = policy;
    this.#service = service;
    this.#burst = new FailureBurst(policy, service, backing, () => `its scheduler ${service.scheduler} decides`);
  }

  get counters(): ServicePolicy['counters'] {
    return withJson({ ...this.#counts });
  }

  native(servers: SubjectServer[]): NativePolicy | undefined {
    if (!this.#isForced && signature(servers) === this.#built) return undefined;
    const usable = usableServers(servers);
    this.#failure = undefined;
    if (usable.length === 0) return { kind: 'none' };
    this.#counts.asked += 1n;
    try {
      const table = this.policy.build(usable, this.#service);
      this.#counts.answered += 1n;
      return table;
    } catch (error) {
      this.#counts.failed += 1n;
      this.#failure = this.#burst.failed(error);
      return { kind: 'none' };
    }
  }

  inForce(servers: SubjectServer[]): void {
    this.#built = signature(servers);
  }

  start(): void {}
  stop(): void {}

  async refresh(): Promise<boolean> {
    if (!this.#force()) {
      // The transaction has come into force by then, or failed.
      await undefined;
      this.#force();
    }
    if (this.#failure !== undefined) throw this.#failure;
    return true;
  }

  /** Whether it was asked; not within a transaction. */
  #force(): boolean {
    if (!this.#service.isDecidedBy(this)) throw policyOver(this.name);
    this.#isForced = true;
    try {
      return this.#service.refreshPolicy();
    } finally {
      this.#isForced = false;
    }
  }
}

function signature(servers: readonly SubjectServer[]): string {
  return servers.map(({ address, port, weight, fullWeight }) => `${address} ${port} ${weight} ${fullWeight}`).join();
}
