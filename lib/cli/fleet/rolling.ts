/**
 * A rolling drain: one director after the other becomes a standby, has its turn, and comes back before the next one.
 *
 * Invariants:
 * 1. Not more than one director is drained by it at a time, and none while nobody else is active.
 * 2. When it stops before a director's turn has begun, that director is undrained; when it stops in the turn, the director
 *    stays drained, because nobody knows what has become of it. Either is said.
 */
import type { FleetView, MemberView } from '../../fleet/overview.js';
import type { MemberState } from '../../fleet/state.js';
import { TunvsError } from '../../values/errors.js';
import { count } from '../words.js';
import { isActive, type LeftOptions, othersActive, stateIn, whyNobodyLeft, whyUnwell } from './left.js';
import type { Say } from './progress.js';
import { until, type UntilOptions } from './until.js';
import type { Wishes } from './wishes.js';

export interface RollingOptions extends LeftOptions, Omit<UntilOptions, 'signal'> {
  /** A director with so many connections, or fewer, has its turn. */
  connections: number;
  /** It has its turn after this time as well, in milliseconds. */
  waitMs: number;
}

export interface RollingParts {
  wishes: Wishes;
  say: Say;
  /** What is done with a director while it is drained; rejects when that has failed. */
  turn: (state: MemberState, signal: AbortSignal) => Promise<void>;
  signal: AbortSignal;
}

/** How long taking a wish back may take when this is told to end, in milliseconds. */
const LAST_MS = 5_000;
/** How often it says that it waits, in milliseconds. */
const SAID_MS = 5_000;

export class Rolling {
  readonly #parts: RollingParts;
  readonly #options: RollingOptions;
  readonly #done: string[] = [];
  #left: string[] = [];

  constructor(parts: RollingParts, options: RollingOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  /** Drains those of the names, or all; standbys first, as that costs nothing. */
  async run(names: readonly string[]): Promise<void> {
    const { wishes, say, signal } = this.#parts;
    const view = await wishes.read(signal);
    this.#left = orderOf(view, names);
    if (!this.#options.force) refuseUnwell(view);
    try {
      for (const member of [...this.#left]) {
        await this.#one(member);
        this.#left.shift();
        this.#done.push(member);
      }
    } catch (error) {
      const [done, left] = [this.#done, this.#left];
      const had = done.length === 0 ? 'no director has had its turn' : `${done.join(', ')} had their turn`;
      say('stopped', `stopped: ${had}, and ${left.join(', ')} not`, { done, left });
      throw error;
    }
    say('done', `all ${count(this.#done.length, 'director')} had their turn`, { done: this.#done });
  }

  async #one(member: string): Promise<void> {
    const { wishes, say, turn, signal } = this.#parts;
    const view = await wishes.read(signal);
    const before = stateIn(view, member);
    const why = whyNobodyLeft(view, member, this.#options);
    if (why !== undefined) throw new TunvsError('ERR_TUNVS_BUSY', why);
    let state: MemberState;
    say('draining', `${member}: asked to drain`, { director: member });
    try {
      await wishes.drain(member, Date.now(), signal);
      state = await this.#drained(member, before);
      signal.throwIfAborted();
    } catch (error) {
      await this.#takeBack(member);
      throw error;
    }
    const { connections } = state;
    say('turn', `${member}: its turn, with ${count(connections, 'connection')}`, { director: member, connections });
    try {
      await turn(state, signal);
      signal.throwIfAborted();
    } catch (error) {
      const mend = `see how it is, and take the wish back by "tunvs fleet undrain ${member}"`;
      say('leftDrained', `${member}: stays drained, as its turn was not finished: ${mend}`, { director: member });
      throw error;
    }
    await this.#undrain(member);
    const { role } = await this.#back(member, before);
    say('back', `${member}: back, as ${role === 'standby' ? 'a standby' : 'active'}`, { director: member, role });
  }

  /** Returns its state when it is a standby whose connections are gone, or have had their time. */
  async #drained(member: string, before: MemberState): Promise<MemberState> {
    const isCounted = before.role !== 'standby' && !this.#options.force;
    const view = await this.#until((each) => {
      const state = each.directors.find((one) => one.member === member)?.state;
      if (state === undefined) return `${member} is away`;
      if (state.drainSinceMs === undefined || state.role !== 'standby') return `${member} is no standby: see its log`;
      return isCounted && othersActive(each, member).length === 0 ? 'no other director is active' : undefined;
    });
    const { connections } = stateIn(view, member);
    const { say } = this.#parts;
    const text = `${member}: a standby now, with ${count(connections, 'connection')}`;
    say('standby', text, { director: member, connections });
    return this.#emptied(member, stateIn(view, member));
  }

  async #emptied(member: string, first: MemberState): Promise<MemberState> {
    const { connections: most, waitMs } = this.#options;
    const { say } = this.#parts;
    const endMs = performance.now() + waitMs;
    let last = first;
    let [said, saidAtMs] = [first.connections, performance.now()];
    await this.#until(({ directors }) => {
      const { state } = directors.find((each) => each.member === member) ?? {};
      last = state ?? last;
      const { connections } = last;
      if (connections <= most || performance.now() >= endMs) return undefined;
      if (connections !== said && performance.now() - saidAtMs >= SAID_MS) {
        [said, saidAtMs] = [connections, performance.now()];
        say('waiting', `${member}: ${count(connections, 'connection')}`, { director: member, connections });
      }
      return `${member} has ${count(connections, 'connection')}`;
    }, waitMs + this.#options.timeoutMs);
    return last;
  }

  #back(member: string, before: MemberState): Promise<MemberState> {
    return this.#until((view) => {
      const found = view.directors.find((each) => each.member === member);
      const why = whyUnwell(found ?? { member, disagrees: false });
      if (why !== undefined) return `${member} ${why}: see its log`;
      const { state } = found as MemberView;
      if (state?.drainSinceMs !== undefined) return `${member} has not heard that it is no longer to be drained`;
      if (this.#options.failover) {
        const isServed = isActive(found as MemberView) || othersActive(view, member).length > 0;
        return isServed ? undefined : 'no director is active';
      }
      if (state?.role === before.role) return undefined;
      return `${member} is ${state?.role === 'active' ? 'active' : 'a standby'}, which it was not before`;
    }).then((view) => stateIn(view, member));
  }

  async #undrain(member: string): Promise<void> {
    const { wishes, say, signal } = this.#parts;
    // etcd may be away just now.
    await this.#until(
      () => undefined,
      this.#options.timeoutMs,
      async () => void (await wishes.undrain(member, signal)),
    ).catch((error) => {
      const mend = `"tunvs fleet undrain ${member}" takes the wish back`;
      say('leftDrained', `${member}: stays drained: ${mend}`, { director: member });
      throw error;
    });
    say('undrained', `${member}: no longer to be drained`, { director: member });
  }

  /** Nothing was done to it yet. */
  async #takeBack(member: string): Promise<void> {
    const { wishes, say } = this.#parts;
    try {
      await wishes.undrain(member, AbortSignal.timeout(LAST_MS));
      say('undrained', `${member}: no longer to be drained, as its turn has not begun`, { director: member });
    } catch (error) {
      const mend = `"tunvs fleet undrain ${member}" takes the wish back`;
      const text = `${member}: may stay drained: ${(error as Error).message}: ${mend}`;
      say('leftDrained', text, { director: member });
    }
  }

  #until(
    look: (view: FleetView) => string | undefined,
    timeoutMs = this.#options.timeoutMs,
    first: (signal: AbortSignal) => Promise<void> = async () => {},
  ): Promise<FleetView> {
    const { wishes, signal } = this.#parts;
    const read = async (each?: AbortSignal) => {
      await first(signal);
      return wishes.read(each);
    };
    return until({ read }, look, { signal, timeoutMs, pollMs: this.#options.pollMs });
  }
}

function orderOf(view: FleetView, names: readonly string[]): string[] {
  for (const each of names) stateIn(view, each);
  const chosen = view.directors.filter(
    ({ member, state }) => state !== undefined && (names.length === 0 || names.includes(member)),
  );
  if (chosen.length === 0)
    throw new TunvsError('ERR_TUNVS_NOT_FOUND', `no director of ${view.prefix} is there: start one`);
  return [...chosen.filter((each) => !isActive(each)), ...chosen.filter(isActive)].map(({ member }) => member);
}

function refuseUnwell({ directors }: FleetView): void {
  for (const each of directors) {
    const { member, drain } = each;
    const by = drain?.by === undefined ? '' : `, as ${drain.by} wishes`;
    if (drain)
      throw new TunvsError(
        'ERR_TUNVS_BUSY',
        `${member} is to be drained already${by}: let that end, or take it back by "tunvs fleet undrain ${member}"`,
      );
    const why = whyUnwell(each);
    if (why !== undefined) throw new TunvsError('ERR_TUNVS_BUSY', `${member} ${why}: mend that first, or give --force`);
  }
}
