/** Keeps a director as a configuration file wants it, and remembers which file said what. */
import type { Director } from '../../director/director.js';
import type { Origins, Spec } from '../spec.js';
import { type ApplyOptions, DesiredSession, type SessionOptions } from './desired-session.js';
import { desiredOf } from './from-spec.js';
import type { PlannedChange } from './planned-changes.js';
import { restartChanges } from './restart.js';

/** A spec, and where each of its values stands. */
export interface PlacedSpec {
  spec: Spec;
  origins?: Origins;
}

/**
 * Keeps a director as a spec wants it. What a spec changed since it was last applied comes into force; what it did not
 * change stays as the director has it, even when somebody changed, added or deleted it since.
 */
export class SpecSession {
  readonly #desired: DesiredSession;
  #opened: Spec | undefined;
  #current: PlacedSpec | undefined;

  constructor(director: Director, options: SessionOptions = {}) {
    this.#desired = new DesiredSession(director, options);
  }

  /** The spec that is in force; undefined before the first. */
  current(): PlacedSpec | undefined {
    return this.#current;
  }

  /**
   * Says what apply() would change, and changes nothing.
   *
   * @throws {@link TunvsError} ERR_TUNVS_INVALID_ARGUMENT with all `mistakes`.
   */
  async plan(placed: PlacedSpec, options: ApplyOptions = {}): Promise<PlannedChange[]> {
    const changes = await this.#desired.plan(desiredOf(placed.spec, placed.origins), options);
    return [...this.#restarts(placed.spec), ...changes];
  }

  /**
   * Brings the spec into force, all of it or none, and returns what that changed. Changes that need a restart are
   * among them by that name, and they are not made.
   *
   * @throws {@link TunvsError} ERR_TUNVS_INVALID_ARGUMENT with all `mistakes`, and what the director throws. Everything
   *   is as it was then.
   */
  async apply(placed: PlacedSpec, options: ApplyOptions = {}): Promise<PlannedChange[]> {
    const changes = await this.#desired.apply(desiredOf(placed.spec, placed.origins), options);
    const restarts = this.#restarts(placed.spec);
    this.#opened ??= placed.spec;
    this.#current = placed;
    return [...restarts, ...changes];
  }

  /** Asks DNS no more. Policies of modules end as well, so close the director first. */
  close(): Promise<void> {
    return this.#desired.close();
  }

  #restarts(spec: Spec): PlannedChange[] {
    return this.#opened ? restartChanges(this.#opened, spec) : [];
  }
}

/** Says what applySpec() would change. Names are asked of DNS once. */
export async function planSpec(
  director: Director,
  spec: Spec,
  { origins, ...options }: SessionOptions & { origins?: Origins } = {},
): Promise<PlannedChange[]> {
  const session = new DesiredSession(director, options);
  try {
    return await session.plan(desiredOf(spec, origins), { reset: true });
  } finally {
    await session.close();
  }
}

/**
 * Makes the director hold what the spec says and nothing else, all of it or none. Names are asked of DNS once; a
 * {@link SpecSession} asks again.
 */
export async function applySpec(
  director: Director,
  spec: Spec,
  { origins, ...options }: SessionOptions & { origins?: Origins } = {},
): Promise<PlannedChange[]> {
  const session = new DesiredSession(director, options);
  try {
    return await session.apply(desiredOf(spec, origins), { reset: true });
  } finally {
    await session.close({ policies: false });
  }
}
