/** Connection sync that follows a director's role: the active one tells, and a standby is told. */
import { choiceOption } from '../values/options.js';
import type { Role } from '../values/role.js';
import type { Director } from './director.js';
import { checkedSyncOptions, type SyncOptions, type SyncRole } from './sync.js';

/** The values of {@link SyncAs}. */
export const syncAs = ['role', 'both', 'master', 'backup'] as const;

/**
 * What a director is in connection sync: master while it is active and backup while it is a standby (`role`), both at
 * once, as directors behind a router with ECMP are, or always one of them.
 */
export type SyncAs = (typeof syncAs)[number];

/**
 * How {@link syncByRole} runs connection sync.
 *
 * @example
 * ```ts
 * import type { SyncByRoleOptions } from 'tunvs';
 *
 * const options: SyncByRoleOptions = { peers: ['10.2.0.3'], keyFile: '/etc/tunvs/sync.key', as: 'both' };
 * console.log(options.as); // both
 * ```
 */
export interface SyncByRoleOptions extends Omit<SyncOptions, 'role'> {
  /** What the director is; the default is 'role'. */
  as?: SyncAs;
}

/** How long it waits before it tries again to begin a role, in milliseconds. */
const AGAIN_MS = 1000;

/**
 * How long a director that has become active is told by the one before, in milliseconds: that one may say its last when
 * it hears that its time is over.
 */
const LINGER_MS = 5000;

/**
 * Has the director tell its connections while it is active, and be told those of others while it is a standby, until it
 * is closed or this is disposed of. Roles that run already stay as they are.
 *
 * @param failed Called when a role could not begin as the director's role changed. It is tried again each second, and
 *   told once.
 * @throws {@link TunvsError} What {@link Director.startSync} throws.
 *
 * @example
 * ```ts
 * import { Director, syncByRole } from 'tunvs';
 *
 * const director = await Director.open({ source: '10.2.0.2', role: 'standby' });
 * const sync = syncByRole(director, { peers: ['10.2.0.3'] }, console.error);
 * console.log(director.sync.isCaughtUp); // false
 * sync[Symbol.dispose]();
 * await director.close();
 * ```
 */
export function syncByRole(director: Director, options: SyncByRoleOptions, failed: (error: Error) => void): Disposable {
  const { as: asked, ...common } = options;
  const as = choiceOption('syncByRole: as', asked, syncAs, 'role');
  checkedSyncOptions({ ...common, role: 'backup' });
  return new SyncByRole(director, as, common, failed);
}

class SyncByRole implements Disposable {
  readonly #director: Director;
  readonly #as: SyncAs;
  readonly #options: Omit<SyncOptions, 'role'>;
  readonly #failed: (error: Error) => void;
  readonly #begun = new Set<SyncRole>();
  readonly #follow = () => this.#try();
  #again: NodeJS.Timeout | undefined;
  #linger: NodeJS.Timeout | undefined;
  #hasFailed = false;

  constructor(director: Director, as: SyncAs, options: Omit<SyncOptions, 'role'>, failed: (error: Error) => void) {
    this.#director = director;
    this.#as = as;
    this.#options = options;
    this.#failed = failed;
    try {
      this.#apply();
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
    director.on('role', this.#follow);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#again);
    clearTimeout(this.#linger);
    this.#director.off('role', this.#follow);
    this.#unlessClosed(() => {
      const { sync } = this.#director;
      for (const role of this.#begun) if (sync[role] !== undefined) this.#director.stopSync(role);
    });
    this.#begun.clear();
  }

  #unlessClosed(run: () => void): void {
    try {
      run();
    } catch (error) {
      if ((error as { code?: string }).code !== 'ERR_TUNVS_CLOSED') throw error;
    }
  }

  #try(): void {
    clearTimeout(this.#again);
    try {
      this.#unlessClosed(() => this.#apply());
      this.#hasFailed = false;
    } catch (error) {
      if (!this.#hasFailed) this.#failed(error as Error);
      this.#hasFailed = true;
      this.#again = setTimeout(this.#follow, AGAIN_MS).unref();
    }
  }

  /** What begins does so before the other one ends, so that nothing is missed in between. */
  #apply(): void {
    const wanted = rolesOf(this.#as, this.#director.role);
    const { sync } = this.#director;
    for (const role of wanted) {
      if (sync[role] !== undefined) continue;
      this.#director.startSync({ ...this.#options, role });
      this.#begun.add(role);
    }
    clearTimeout(this.#linger);
    if (!wanted.includes('master')) this.#end('master');
    if (!wanted.includes('backup') && this.#begun.has('backup'))
      this.#linger = setTimeout(() => this.#unlessClosed(() => this.#end('backup')), LINGER_MS).unref();
  }

  #end(role: SyncRole): void {
    if (!this.#begun.delete(role)) return;
    if (this.#director.sync[role] !== undefined) this.#director.stopSync(role);
  }
}

function rolesOf(as: SyncAs, role: Role): readonly SyncRole[] {
  if (as === 'both') return ['master', 'backup'];
  if (as !== 'role') return [as];
  return role === 'active' ? ['master'] : ['backup'];
}
