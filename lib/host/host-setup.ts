/** Applies steps to the host and takes them back in reverse order. */
import type { Host } from './host.js';
import type { HostCommand, HostStep } from './step.js';

export class HostSetup {
  readonly #host: Host;
  /** Applied and not yet undone, oldest first. */
  readonly #applied: HostStep[] = [];

  constructor(host: Host) {
    this.#host = host;
  }

  /** All of `steps` or none: what a failure leaves half done is undone before the error is thrown. Runs none that is held. */
  apply(steps: readonly HostStep[]): void {
    const done: HostStep[] = [];
    try {
      for (const step of steps) {
        if (!step.isHeld) this.#host.run(step.command);
        done.push(step);
      }
    } catch (error) {
      for (const step of done.reverse()) this.#undo(step);
      throw error;
    }
    this.#applied.push(...done);
  }

  /** Remembers what was run otherwise, to take it back. */
  adopt(steps: readonly HostStep[]): void {
    this.#applied.push(...steps);
  }

  /** What was applied is from now on known as `now`. */
  replace(step: HostStep, now: HostStep): void {
    const place = this.#applied.indexOf(step);
    if (place >= 0) this.#applied[place] = now;
  }

  /** Takes back `steps`, or everything; returns what could not be taken back. */
  undo(steps: readonly HostStep[] = this.#applied): Error[] {
    const chosen = new Set(steps);
    const undone = this.#applied.filter((step) => chosen.has(step)).reverse();
    for (const step of undone) this.#applied.splice(this.#applied.indexOf(step), 1);
    return undone.map((step) => this.#undo(step)).filter((error) => error !== undefined);
  }

  #undo(step: HostStep): Error | undefined {
    const { undo } = step;
    if (undo === undefined || !this.#isDue(undo)) return undefined;
    try {
      this.#host.run(undo);
      return undefined;
    } catch (error) {
      return isGone(error) ? undefined : (error as Error);
    }
  }

  #isDue(undo: HostCommand): boolean {
    if ('argv' in undo || undo.onlyIf === undefined) return true;
    return this.#host.readSysctl(undo.write) === undo.onlyIf;
  }
}

/** What was to be removed went with its device, or somebody else has removed it. */
function isGone(error: unknown): boolean {
  return /cannot find device|does not exist|no such (process|device|file)|address not found|cannot assign requested address/i.test(
    (error as Error).message,
  );
}
