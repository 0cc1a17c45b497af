/**
 * The role of a director that may be drained. The wish makes it a standby, and its end makes it what it was before. Who
 * sets the role meanwhile has the last word: the director is that at once, and the end of the wish changes nothing.
 */
import type { Director } from '../director/director.js';
import type { Role } from '../values/role.js';

/** What outlives the process that another takes over. */
export interface Drained {
  /** The role that comes back; absent when somebody has set one since. */
  before?: Role;
}

export class DrainedRole {
  readonly #director: Pick<Director, 'role' | 'setRole'>;
  #drained: Drained | undefined;

  /** `drained` is what holds from the start, as of a director that was opened as a standby for it. */
  constructor(director: Pick<Director, 'role' | 'setRole'>, drained?: Drained) {
    this.#director = director;
    this.#drained = drained;
  }

  get role(): Role {
    return this.#director.role;
  }

  /** Undefined while nobody wishes that it is drained. */
  get drained(): Drained | undefined {
    return this.#drained;
  }

  /** Whether somebody has set the role against the wish. */
  get isOverruled(): boolean {
    return this.#drained !== undefined && this.#drained.before === undefined && this.role === 'active';
  }

  /** @throws what setRole() throws; the wish holds all the same. */
  drain(): void {
    const { role } = this.#director;
    // An earlier wish, which somebody has set the role against, is said anew.
    if (this.#drained === undefined || role === 'active') this.#drained = { before: role };
    if (role === 'active') this.#director.setRole('standby');
  }

  /** @throws what setRole() throws; the wish is over all the same. */
  undrain(): void {
    const { before } = this.#drained ?? {};
    this.#drained = undefined;
    if (before !== undefined && before !== this.#director.role) this.#director.setRole(before);
  }

  /** Somebody says what the director is. */
  set(role: Role): void {
    this.#director.setRole(role);
    if (this.#drained) this.#drained = {};
  }
}
