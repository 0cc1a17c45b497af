/**
 * The policies of a director's services: which are in force, and what the native part must be told of them.
 *
 * Invariant: between transactions, the policies in force are those of the configured services.
 */
import type { NativePolicyColumns } from '../native/policies.js';
import type { NativeOperation } from '../native/operations.js';
import type { NativeServiceKey } from '../native/services.js';
import { ConnectionRunner } from './connection-policy.js';
import type { PolicyBacking, PolicyRunner } from './policy.js';
import type { PolicySubject } from './subject.js';

/** A virtual service with the policy that it was given. */
interface PolicedService extends PolicySubject {
  readonly nativeKey: NativeServiceKey;
  readonly runner: PolicyRunner | undefined;
}

export class Policies {
  readonly backing: PolicyBacking;
  readonly #inForce = new Map<PolicedService, PolicyRunner>();
  readonly #byId = new Map<number, ConnectionRunner>();
  #connect: (() => NativePolicyColumns) | undefined;
  #columns: NativePolicyColumns | undefined;

  constructor(backing: PolicyBacking) {
    this.backing = backing;
  }

  /** Tells the native part where to write its questions; called when there is a policy that it asks. */
  connect(columns: () => NativePolicyColumns): void {
    this.#connect = columns;
  }

  /** The native part calls this: fills the column of answers for so many connections of the policy with that id. */
  readonly answer = (id: number, rows: number): void => {
    if (this.#columns) this.#byId.get(id)?.answer(rows, this.#columns);
  };

  /** Returns what must be applied with a change that leaves these services. */
  operations(services: Iterable<PolicedService>): NativeOperation[] {
    const operations: NativeOperation[] = [];
    for (const service of services) {
      const runner = service.runner;
      if (runner === undefined && !this.#inForce.has(service)) continue;
      const policy = runner === undefined ? ({ kind: 'none' } as const) : runner.native(service.realServers);
      if (policy) operations.push({ op: 'setPolicy', service: service.nativeKey, policy });
    }
    return operations;
  }

  /** The change is in force. */
  inForce(services: Iterable<PolicedService>): void {
    const gone = new Map(this.#inForce);
    for (const service of services) {
      const { runner } = service;
      if (runner === undefined) continue;
      const before = this.#inForce.get(service);
      runner.inForce(service.realServers);
      if (before === runner) {
        gone.delete(service);
        continue;
      }
      this.#inForce.set(service, runner);
      if (runner instanceof ConnectionRunner) {
        this.#columns ??= this.#connect?.();
        this.#byId.set(runner.id, runner);
      }
      runner.start();
    }
    for (const [service, runner] of gone) {
      if (this.#inForce.get(service) === runner) this.#inForce.delete(service);
      this.#end(runner);
    }
  }

  /** The director is closed. */
  stop(): void {
    for (const runner of this.#inForce.values()) this.#end(runner);
    this.#inForce.clear();
  }

  #end(runner: PolicyRunner): void {
    if (runner instanceof ConnectionRunner) this.#byId.delete(runner.id);
    runner.stop();
  }
}
