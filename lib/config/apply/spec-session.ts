/** Keeps a director as a configuration file wants it, and remembers which file said what. */
import type { Director } from '../../director/director.js';
import type { Origins, Spec } from '../spec.js';
import { type ApplyOptions, DesiredSession, type SessionOptions } from './desired-session.js';
import { desiredOf } from './from-spec.js';
import { placed } from './mistakes.js';
import type { PlannedChange } from './planned-changes.js';
import { restartChanges } from './restart.js';

/** A spec, and where each of its values stands. */
export interface PlacedSpec {
  /** What is wanted. */
  spec: Spec;
  /** Where it stands. Files that the spec names are relative to the file that names them, or to the working directory. */
  origins?: Origins;
}

/**
 * Keeps a director as a spec wants it. What a spec changed since it was last applied comes into force; what it did not
 * change stays as the director has it, even when somebody changed, added or deleted it since.
 *
 * @example
 * ```ts
 * import { Director } from 'tunvs';
 * import { SpecSession } from 'tunvs/config';
 *
 * const director = Director.offline({ source: '10.2.0.2' });
 * const session = new SpecSession(director);
 * const web = { protocol: 'tcp', address: '192.0.2.1', port: 80 } as const;
 * const specOf = (weight: number) => ({
 *   source: '10.2.0.2',
 *   services: [{ ...web, servers: [{ address: '10.3.0.11' }, { address: '10.3.0.12', weight }] }],
 * });
 * await session.apply({ spec: specOf(1) });
 * const changes = await session.apply({ spec: specOf(3) });
 * console.log(changes[0]?.sentence); // service tcp 192.0.2.1:80: server 10.3.0.12:80: weight 1 -> 3
 * await director.close();
 * await session.close();
 * ```
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
   * Says what apply() would change, and changes nothing. Modules of policies are imported for it.
   *
   * @throws {@link SpecError} with all mistakes.
   */
  async plan({ spec, origins }: PlacedSpec, options: ApplyOptions = {}): Promise<PlannedChange[]> {
    const changes = await placed(origins, () => this.#desired.plan(desiredOf(spec, origins), options));
    return [...this.#restarts(spec), ...changes];
  }

  /**
   * Brings the spec into force, all of it or none, and returns what that changed. Changes that need a restart are
   * among them by that name, and they are not made.
   *
   * @throws {@link SpecError} with all mistakes, and {@link TunvsError} when the director or its host refuses a change.
   *   Everything is as it was then.
   */
  async apply(next: PlacedSpec, options: ApplyOptions = {}): Promise<PlannedChange[]> {
    const { spec, origins } = next;
    const changes = await placed(origins, () => this.#desired.apply(desiredOf(spec, origins), options));
    const restarts = this.#restarts(spec);
    this.#opened ??= spec;
    this.#current = next;
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

/**
 * Says what {@link applySpec} would change, and changes nothing. Names are asked of DNS once.
 *
 * @example
 * ```ts
 * import { Director } from 'tunvs';
 * import { planSpec } from 'tunvs/config';
 *
 * const director = Director.offline({ source: '10.2.0.2' });
 * const web = { protocol: 'tcp', address: '192.0.2.1', port: 80 } as const;
 * const changes = await planSpec(director, { source: '10.2.0.2', services: [web] });
 * console.log(changes[0]?.sentence); // service tcp 192.0.2.1:80 is added
 * ```
 */
export async function planSpec(
  director: Director,
  spec: Spec,
  options: SessionOptions & { origins?: Origins } = {},
): Promise<PlannedChange[]> {
  return once(director, options, (session, origins) => session.plan(desiredOf(spec, origins), { reset: true }));
}

/**
 * Makes the director hold what the spec says and nothing else, all of it or none. Names are asked of DNS once; a
 * {@link SpecSession} asks again.
 *
 * @throws {@link SpecError} with all mistakes, and {@link TunvsError} when the director or its host refuses a change.
 * @example
 * ```ts
 * import { Director } from 'tunvs';
 * import { applySpec } from 'tunvs/config';
 *
 * const director = Director.offline({ source: '10.2.0.2' });
 * const web = { protocol: 'tcp', address: '192.0.2.1', port: 80 } as const;
 * await applySpec(director, { source: '10.2.0.2', services: [{ ...web, servers: [{ address: '10.3.0.11' }] }] });
 * console.log(director.virtualServices[0]?.realServers.length); // 1
 * ```
 */
export async function applySpec(
  director: Director,
  spec: Spec,
  options: SessionOptions & { origins?: Origins } = {},
): Promise<PlannedChange[]> {
  return once(director, options, (session, origins) => session.apply(desiredOf(spec, origins), { reset: true }));
}

/** Policies that came into force stay, as the director has them. */
async function once(
  director: Director,
  { origins, ...options }: SessionOptions & { origins?: Origins },
  step: (session: DesiredSession, origins: Origins | undefined) => Promise<PlannedChange[]>,
): Promise<PlannedChange[]> {
  const session = new DesiredSession(director, options);
  try {
    return await placed(origins, () => step(session, origins));
  } finally {
    await session.close({ policies: false });
  }
}
