/** Reports the first failure of each burst; those that follow within ten seconds of each other are not reported. */
import { TunvsError } from '../values/errors.js';
import { serviceName } from '../values/service-key.js';
import type { Policy, PolicyBacking } from './policy.js';
import type { PolicySubject } from './subject.js';

/** A burst is over when nothing has failed for this long. */
export const BURST_MS = 10_000;

export class FailureBurst {
  readonly #policy: Policy;
  readonly #service: PolicySubject;
  readonly #backing: PolicyBacking;
  readonly #consequence: () => string;
  #lastMs = Number.NEGATIVE_INFINITY;
  #untold = 0;

  /** `consequence` says what holds instead, as in "its scheduler wlc decides". */
  constructor(policy: Policy, service: PolicySubject, backing: PolicyBacking, consequence: () => string) {
    this.#policy = policy;
    this.#service = service;
    this.#backing = backing;
    this.#consequence = consequence;
  }

  /** Returns the error that says whose failure it was. */
  failed(cause: unknown): TunvsError {
    const name = serviceName(this.#service);
    const reason = textOf(cause);
    const message = `the policy "${this.#policy.name}" of ${name} failed, so ${this.#consequence()}: ${reason}`;
    const now = this.#backing.nowMs();
    const isFirst = now - this.#lastMs >= BURST_MS;
    this.#lastMs = now;
    this.#untold += 1;
    if (isFirst) {
      const value = this.#untold;
      this.#untold = 0;
      // The report waits for the packets and the transaction at hand: a listener may do as it likes.
      queueMicrotask(() => this.#backing.report({ type: 'policyFailed', value, message, cause }));
    }
    return new TunvsError('ERR_TUNVS_POLICY', message, { cause });
  }
}

/** What was thrown may be anything, and may throw again when it is asked about itself. */
function textOf(cause: unknown): string {
  try {
    return cause instanceof Error ? `${cause.message}` : String(cause);
  } catch {
    // What was thrown is the cause all the same.
    return 'it threw something that cannot be printed';
  }
}
