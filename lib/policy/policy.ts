/**
 * What every kind of scheduler policy has in common: a JavaScript function decides, beside a scheduler that decides
 * when the function cannot. docs/policies.md says which kind to take.
 */
import type { EngineEvent } from '../values/engine-event.js';
import type { NativePolicy, NativePolicyCounters } from '../native/policies.js';
import { readArguments, refuse } from '../values/options.js';
import type { PolicySubject, SubjectServer } from './subject.js';

export type PolicyKind = 'table' | 'weights' | 'connection';

/** Made by `tablePolicy()`, `weightsPolicy()` and `connectionPolicy()`; may be given to several services. */
export abstract class Policy {
  abstract readonly kind: PolicyKind;
  /** For events; the function's own name unless told otherwise. */
  readonly name: string;

  /** @internal */
  protected constructor(name: string) {
    this.name = name;
  }

  /** At work on one service. @internal */
  abstract runFor(service: PolicySubject, backing: PolicyBacking): PolicyRunner;
}

/** What a policy was asked, and what became of it. */
export type PolicyCounters = NativePolicyCounters;

/** A policy at work on a virtual service: `service.policy`. */
export interface ServicePolicy {
  readonly kind: PolicyKind;
  readonly name: string;
  /** Since it was given to the service. */
  readonly counters: PolicyCounters;
  /**
   * Weights: asks now, and resolves when what was answered is in force. Table: builds it again. True when something
   * changed.
   *
   * @throws {@link TunvsError} ERR_TUNVS_UNSUPPORTED for a connection policy; the policy's failure.
   */
  refresh(): Promise<boolean>;
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
