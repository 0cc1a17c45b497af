/** Faults of the director's own host that keep checks from being made: each is told when it begins and when it ends. */
import type { Clock } from './clock.js';
import type { CheckResult, OwnFaultEvent } from './events.js';

type Found = Pick<CheckResult, 'message' | 'mend'>;

interface Fault {
  readonly found: Found;
  /** The probes that have met it the last time. Never empty. */
  readonly by: Set<object>;
}

export class OwnFaults {
  readonly #clock: Clock;
  readonly #tell: (event: OwnFaultEvent) => void;
  readonly #faults = new Map<string, Fault>();
  readonly #messages = new Map<object, string>();

  constructor(clock: Clock, tell: (event: OwnFaultEvent) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  /** Takes what the probe has met; undefined when it has met no such fault, or is no more. */
  take(probe: object, found: Found | undefined): void {
    const before = this.#messages.get(probe);
    if (before === found?.message) return;
    // The new one is noted first: two probes that meet the same faults in turn do not end one in between.
    if (found) this.#begin(probe, found);
    else this.#messages.delete(probe);
    if (before !== undefined) this.#end(probe, before);
  }

  #begin(probe: object, found: Found): void {
    this.#messages.set(probe, found.message);
    const known = this.#faults.get(found.message);
    if (known) return void known.by.add(probe);
    this.#faults.set(found.message, { found, by: new Set([probe]) });
    this.#say(found, false);
  }

  #end(probe: object, message: string): void {
    const fault = this.#faults.get(message);
    fault?.by.delete(probe);
    if (fault === undefined || fault.by.size > 0) return;
    this.#faults.delete(message);
    this.#say(fault.found, true);
  }

  #say({ message, mend }: Found, isOver: boolean): void {
    this.#tell({ message, ...(mend !== undefined && { mend }), isOver, at: this.#clock.timeMs() });
  }
}
