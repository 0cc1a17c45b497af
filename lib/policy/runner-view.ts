/** Shows a policy at work to JSON and util.inspect(): what it is and what it has counted, without its internals. */
import { inspect, type InspectOptions } from 'node:util';
import { inspected, unlessGone } from '../values/handle-view.js';
import type { Policy, PolicyCounters, PolicyKind } from './policy.js';

/** What every kind of policy at work shows of itself. */
export abstract class RunnerView {
  abstract readonly kind: PolicyKind;
  abstract readonly policy: Policy;
  /** It may throw once the service is deleted or the director closed. */
  abstract get counters(): PolicyCounters;

  get name(): string {
    return this.policy.name;
  }

  toJSON(): object {
    return { kind: this.kind, name: this.name, ...unlessGone(() => ({ counters: this.counters })) };
  }

  /** It goes by the name of the type that callers know it by. */
  [inspect.custom](depth: number, options: InspectOptions): string {
    return inspected('ServicePolicy', () => this.toJSON(), depth, options);
  }
}
