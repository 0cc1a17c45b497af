/** Applies steps to the host and takes them back in reverse order, unless somebody else holds what they made. */
import { Holder } from './holds/holder.js';
import type { Host } from './host.js';
import { withSysctlMend } from './read-only-sysctl.js';
import type { HostStep } from './step.js';

/** Commands that one run of ip(8) is given. */
const MOST_AT_ONCE = 1024;

export class HostSetup {
  readonly #host: Host;
  readonly #holder: Holder;
  /** The steps that were applied and not yet undone, oldest first. */
  readonly #applied: HostStep[] = [];

  /** `patienceSeconds`: how long a successor finds everything as it was, where this process is killed. */
  constructor(host: Host, patienceSeconds = 0) {
    this.#host = host;
    this.#holder = new Holder(host, patienceSeconds);
  }

  /** Says what cannot be counted or was left by others, one sentence each. */
  get warnings(): string[] {
    return this.#holder.warnings;
  }

  /** Keeps other holders of ours from changing what `run` reads and changes. */
  together<T>(run: () => T): T {
    return this.#holder.together(run);
  }

  /** Removes what killed processes have left. REQUIRES: called before steps are planned. */
  prepare(): void {
    this.#holder.together(() => this.#holder.start());
  }

  /** Has taken over what a killed predecessor had left for it: the rest of that goes. */
  settle(): void {
    this.#holder.settle();
  }

  /** Applies all of `steps` or none: a failure undoes what is half done before it throws. A held step is not run. */
  apply(steps: readonly HostStep[]): void {
    if (steps.length === 0) return;
    this.#holder.together(() => {
      const done: HostStep[] = [];
      try {
        for (const step of steps) {
          if (step.isHeld) this.#holder.adopt(step);
          else this.#holder.take(step);
          done.push(step);
        }
        this.#holder.takeBackSysctls();
      } catch (error) {
        for (const step of done.reverse()) this.#undo(step);
        if (this.#applied.length === 0) this.#holder.end();
        throw withSysctlMend(error, this.#host, steps);
      }
      this.#applied.push(...done);
    });
  }

  /** Does the same with few runs of ip(8), and goes on with the others of a run when one of them fails. */
  applyMany(steps: readonly HostStep[]): void {
    this.#holder.together(() => {
      const done: HostStep[] = [];
      for (let begin = 0; begin < steps.length; begin += MOST_AT_ONCE) {
        const chunk = steps.slice(begin, begin + MOST_AT_ONCE);
        const held = chunk.filter(({ isHeld }) => isHeld);
        const due = chunk.filter(({ isHeld }) => !isHeld);
        for (const step of held) this.#holder.adopt(step);
        const results = this.#holder.takeAll(due);
        done.push(...held, ...due.filter((_, index) => results[index] === undefined));
        const error = results.find((result) => result !== undefined);
        if (error === undefined) continue;
        this.#holder.releaseAll(done.reverse());
        if (this.#applied.length === 0) this.#holder.end();
        throw error;
      }
      for (const step of done) this.#applied.push(step);
    });
  }

  /** Remembers what was run elsewhere, to take it back. */
  adopt(steps: readonly HostStep[]): void {
    this.#holder.together(() => {
      for (const step of steps) this.#holder.adopt(step);
    });
    this.#applied.push(...steps);
  }

  /** Knows what was applied as `now` from here on. */
  replace(step: HostStep, now: HostStep): void {
    const place = this.#applied.indexOf(step);
    if (place < 0) return;
    this.#applied[place] = now;
    this.#holder.together(() => this.#holder.rename(step, now));
  }

  /** Takes back `steps`, or everything; returns what could not be taken back. */
  undo(steps: readonly HostStep[] = this.#applied): Error[] {
    const chosen = new Set(steps);
    const undone = this.#applied.filter((step) => chosen.has(step)).reverse();
    const others = this.#applied.filter((step) => !chosen.has(step));
    this.#applied.length = 0;
    for (const step of others) this.#applied.push(step);
    const failures = this.#holder.together(() => this.#holder.releaseAll(undone), true);
    if (this.#applied.length === 0) this.#holder.end();
    return failures.filter((error) => error !== undefined);
  }

  #undo(step: HostStep): Error | undefined {
    try {
      this.#holder.release(step);
      return undefined;
    } catch (error) {
      return error as Error;
    }
  }
}
