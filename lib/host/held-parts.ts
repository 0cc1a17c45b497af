/**
 * What a host should have, in parts that are planned together. Each part is planned when it is added, and again from a
 * snapshot whenever the host may have changed: a step that such a plan does not find held is missing, and is put back.
 *
 * Invariant: `part.owned` are the steps that were done for a part and not taken back.
 */
import type { Host, HostLink } from './host.js';
import { HostSetup } from './host-setup.js';
import { OneMomentHost } from './one-moment.js';
import type { SnapshotHost } from './snapshot.js';
import { formatHostCommand, type HostCommand, type HostStep } from './step.js';

/** Parts that are planned between two turns of the event loop; each takes some microseconds. */
const PARTS_A_TURN = 128;

export type Planner = (host: Host) => HostStep[];

export interface HeldPart {
  readonly plan: Planner;
  owned: HostStep[];
  /** A step that a later plan does without is taken back; otherwise it stays until the part goes. */
  readonly isExact: boolean;
}

export interface MissingStep {
  readonly part: HeldPart;
  readonly step: HostStep;
  /** Steps of the same thing are put back together or not at all. */
  readonly thing: string;
  /** The step is a thing that was there, not a step on the way to one. */
  readonly isThing: boolean;
}

export class HeldParts {
  readonly setup: HostSetup;
  readonly #host: Host;
  readonly #parts = new Set<HeldPart>();
  #links = new Map<number, string>();
  #generation = 0;
  #planned: { snapshot: SnapshotHost; generation: number; steps: Map<HeldPart, HostStep[]> } | undefined;

  constructor(host: Host, patienceSeconds = 0) {
    this.#host = host;
    this.setup = new HostSetup(host, patienceSeconds);
  }

  /** Changes with every change of what is wanted, after which an earlier snapshot of the host says nothing any more. */
  get generation(): number {
    return this.#generation;
  }

  /** Does all of the part's steps or none. */
  add(plan: Planner, { isExact = false }: { isExact?: boolean } = {}): HeldPart {
    const owned = plan(this.#host);
    this.setup.apply(owned);
    return this.#watch({ plan, owned, isExact });
  }

  /** Adds many parts, whose steps are commands: does the steps of all or none, in few runs of ip(8). */
  addAll(plans: readonly Planner[], { isExact = false }: { isExact?: boolean } = {}): HeldPart[] {
    const moment = new OneMomentHost(this.#host);
    const owned = plans.map((plan) => plan(moment));
    this.setup.applyMany(owned.flat());
    return plans.map((plan, index) => this.#watch({ plan, owned: owned[index] as HostStep[], isExact }));
  }

  /** Takes back the steps of many parts. */
  removeAll(parts: readonly HeldPart[]): Error[] {
    this.#generation += 1;
    for (const part of parts) this.#parts.delete(part);
    return this.setup.undo(parts.flatMap(({ owned }) => owned));
  }

  /** Watches steps that were done already. */
  addDone(plan: Planner, owned: HostStep[]): HeldPart {
    return this.#watch({ plan, owned, isExact: false });
  }

  /** Takes the part's steps back. With `keepsSteps` they stay until {@link clear}, and nobody looks after them. */
  remove(part: HeldPart, { keepsSteps = false }: { keepsSteps?: boolean } = {}): Error[] {
    this.#generation += 1;
    this.#parts.delete(part);
    return keepsSteps ? [] : this.setup.undo(part.owned);
  }

  /** Takes everything back; returns what could not be taken back. */
  clear(): Error[] {
    this.#generation += 1;
    this.#parts.clear();
    return this.setup.undo();
  }

  /** Returns devices renamed since the last snapshot, `[before, now]`, and renames them in all steps. */
  follow(snapshot: SnapshotHost): [string, string][] {
    const renamed: [string, string][] = [];
    for (const [index, before] of this.#links) {
      const now = snapshot.linkOf(index)?.name;
      if (now !== undefined && now !== before) renamed.push([before, now]);
    }
    this.#links = new Map(snapshot.links.map(({ index, name }: HostLink) => [index, name]));
    for (const [before, now] of renamed) this.#rename(before, now);
    return renamed;
  }

  /** Plans all parts, with turns of the event loop in between, so that what follows only looks the plans up. */
  async prepare(snapshot: SnapshotHost): Promise<void> {
    const before = this.#generation;
    let planned = 0;
    for (const part of [...this.#parts]) {
      this.#planOf(part, snapshot);
      planned += 1;
      if (planned % PARTS_A_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
      if (this.#generation !== before) return;
    }
  }

  /** Returns the steps in the order in which they must be put back. Pure. */
  missing(snapshot: SnapshotHost): MissingStep[] {
    const seen = new Set<string>();
    return [...this.#parts].flatMap((part) =>
      this.#planOf(part, snapshot)
        .filter((step) => !step.isHeld)
        .filter((step) => step.thing !== undefined || isFirst(seen, formatHostCommand(step.command)))
        .map((step) => ({
          part,
          step,
          thing: step.thing ?? `"${formatHostCommand(step.command)}" (${step.description})`,
          isThing: 'write' in step.command || step.isHeld === false,
        })),
    );
  }

  /** Puts steps back; returns what went wrong with each. */
  putBack(missing: readonly MissingStep[]): (Error | undefined)[] {
    const results = this.#host.runAll(missing.map(({ step }) => step.command));
    for (const [index, { part, step }] of missing.entries()) {
      if (results[index] !== undefined || step.undo === undefined) continue;
      const key = formatHostCommand(step.command);
      // The value before the first time is the one to restore in the end.
      if (part.owned.some((own) => formatHostCommand(own.command) === key)) continue;
      part.owned.push(step);
      this.setup.adopt([step]);
    }
    return results;
  }

  /** Takes back what exact parts do without now. */
  takeBackStale(snapshot: SnapshotHost): void {
    for (const part of this.#parts) {
      if (!part.isExact) continue;
      const wanted = new Set(this.#planOf(part, snapshot).map(({ command }) => formatHostCommand(command)));
      const stale = part.owned.filter((step) => 'argv' in step.command && !wanted.has(formatHostCommand(step.command)));
      if (stale.length === 0) continue;
      part.owned = part.owned.filter((step) => !stale.includes(step));
      this.setup.undo(stale);
    }
  }

  /** Plans once for a snapshot, and again when what is wanted has changed. */
  #planOf(part: HeldPart, snapshot: SnapshotHost): HostStep[] {
    if (this.#planned?.snapshot !== snapshot || this.#planned.generation !== this.#generation)
      this.#planned = { snapshot, generation: this.#generation, steps: new Map() };
    const steps = this.#planned.steps.get(part) ?? part.plan(snapshot);
    this.#planned.steps.set(part, steps);
    return steps;
  }

  #watch(part: HeldPart): HeldPart {
    this.#generation += 1;
    this.#parts.add(part);
    return part;
  }

  #rename(before: string, now: string): void {
    for (const part of this.#parts) {
      part.owned = part.owned.map((step) => {
        const renamed = {
          ...step,
          command: inDevice(step.command, before, now),
          ...(step.undo && { undo: inDevice(step.undo, before, now) }),
        };
        this.setup.replace(step, renamed);
        return renamed;
      });
    }
  }
}

function isFirst(seen: Set<string>, key: string): boolean {
  if (seen.has(key)) return false;
  seen.add(key);
  return true;
}

function inDevice(command: HostCommand, before: string, now: string): HostCommand {
  if ('argv' in command) return { argv: command.argv.map((word) => (word === before ? now : word)) };
  return { ...command, write: command.write.replace(`/${before}/`, `/${now}/`) };
}
