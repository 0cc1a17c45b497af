/**
 * What every kind of scheduler policy has in common: a JavaScript function decides, beside a scheduler that decides
 * when the function cannot. docs/policies.md says which kind to take.
 */
import type { EngineEvent } from '../values/engine-event.js';
import type { NativePolicy, NativePolicyCounters as PolicyCounters } from '../native/policies.js';
import { TunvsError } from '../values/errors.js';
import { readArguments, refuse } from '../values/options.js';
import type { PolicySubject, SubjectServer } from './subject.js';

export type { PolicyCounters };

/** The kinds of scheduler policies; docs/policies.md says which to take. */
export type PolicyKind = 'table' | 'weights' | 'connection';

/**
 * A JavaScript function that decides about new connections. {@link tablePolicy}, {@link weightsPolicy} and
 * {@link connectionPolicy} make one, and several services may have the same.
 */
export abstract class Policy {
  /** The kind of policy. */
  abstract readonly kind: PolicyKind;
  /** The name that events and errors give it; by default the function's own. */
  readonly name: string;

  /** @internal */
  protected constructor(name: string) {
    this.name = name;
  }

  /** At work on one service. @internal */
  abstract runFor(service: PolicySubject, backing: PolicyBacking): PolicyRunner;
}

/** A policy at work on a virtual service, as {@link VirtualService.policy} returns it. */
export interface ServicePolicy {
  /** The kind of policy. */
  readonly kind: PolicyKind;
  /** The policy's name. */
  readonly name: string;
  /** What was counted since the policy was given to the service. */
  readonly counters: PolicyCounters;
  /**
   * Asks the policy now. A weights policy is asked for weights, and a table policy for a table. The promise resolves
   * when the answer is in force.
   *
   * @returns Whether something changed.
   * @throws {@link TunvsError} ERR_TUNVS_UNSUPPORTED for a connection policy, ERR_TUNVS_CLOSED when the policy has
   *   ended. When the policy fails, its failure is thrown.
   */
  refresh(): Promise<boolean>;
  /** Returns the kind, the name and the counters for JSON.stringify(). */
  toJSON(): object;
}

/** What the configuration does with a policy. */
export interface PolicyRunner extends ServicePolicy {
  readonly policy: Policy;
  /**
   * Returns what the native part must be told so that the policy holds for the servers as they are; undefined if
   * nothing.
   */
  native(servers: SubjectServer[]): NativePolicy | undefined;
  /** What native() returned last is in force, for the servers as they are. */
  inForce(servers: SubjectServer[]): void;
  /** Called once, when the service has the policy. */
  start(): void;
  stop(): void;
}

/** What a policy needs of its director. */
export interface PolicyBacking {
  /** Calls `run` repeatedly without keeping the process alive; returns a function that stops it. */
  every(intervalMs: number, run: () => void): () => void;
  /** Reads a steady clock, milliseconds. */
  nowMs(): number;
  report(event: EngineEvent): void;
}

/** What is thrown when a policy that was taken away, or has ended, is asked. */
export function policyOver(name: string): TunvsError {
  return new TunvsError('ERR_TUNVS_CLOSED', `the policy "${name}" has ended: give the service another`);
}

export const zeroCounters = (): PolicyCounters => ({
  asked: 0n,
  answered: 0n,
  late: 0n,
  failed: 0n,
  overflow: 0n,
  parked: 0n,
  dropped: 0n,
});

/** Returns the servers that may get connections, overload aside, in the order of adding. */
export function usableServers<Server extends SubjectServer>(servers: readonly Server[]): Server[] {
  return servers.filter(({ fullWeight }) => fullWeight > 0);
}

export function policyName(call: string, given: string | undefined, decide: (...args: never[]) => unknown): string {
  if (given !== undefined) return typeof given === 'string' ? given : refuse(`${call}: name`, given, 'a string');
  const { name } = readArguments(call, () => ({ name: decide.name }));
  return typeof name === 'string' && name !== '' ? name : 'anonymous';
}
