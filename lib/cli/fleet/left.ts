/** Judges by what a fleet tells whether a director may be drained, and whether all is well with one. */
import type { FleetView, MemberView } from '../../fleet/overview.js';
import type { MemberState } from '../../fleet/state.js';
import { TunvsError } from '../../values/errors.js';

export interface LeftOptions {
  /** A standby that is left is enough: keepalived or another program makes it active. */
  failover?: boolean;
  /** Nobody has to be left. */
  force?: boolean;
}

/** Directors without a role are of a version that has none. */
export const isActive = ({ state }: MemberView) => state !== undefined && state.role !== 'standby';

/** Those that nobody wishes to drain, and that are no standbys. */
export const othersActive = ({ directors }: FleetView, member: string): MemberView[] =>
  directors.filter((each) => each.member !== member && isActive(each) && each.drain === undefined);

/** Returns why the fleet would be left without a director, with the mend, or undefined. */
export function whyNobodyLeft(view: FleetView, member: string, { failover, force }: LeftOptions): string | undefined {
  if (force || othersActive(view, member).length > 0) return undefined;
  const found = view.directors.find((each) => each.member === member);
  // A standby takes nothing away.
  if (found && !isActive(found) && found.drain === undefined) return undefined;
  const isStandbyLeft = view.directors.some((each) => each.member !== member && each.state && !each.drain);
  if (!isStandbyLeft)
    return `no other director would be left to forward in the place of ${member}: start one first, or give --force`;
  if (failover) return undefined;
  return (
    `no other director is active, and ${member} would leave the fleet without one: make one active first, or give ` +
    '--failover if keepalived or another program does so'
  );
}

/** Returns the state of a director that is there. Throws a TunvsError that names those that are. */
export function stateIn({ prefix, directors }: FleetView, member: string): MemberState {
  const found = directors.find((each) => each.member === member)?.state;
  if (found !== undefined) return found;
  const names = directors.filter(({ state }) => state).map((each) => each.member);
  const mend = names.length === 0 ? 'none is there' : `there ${names.length === 1 ? 'is' : 'are'} ${names.join(', ')}`;
  throw new TunvsError('ERR_TUNVS_NOT_FOUND', `no director of ${prefix} is called ${member}: ${mend}`);
}

/** Returns what is wrong with the director, or undefined. */
export function whyUnwell({ state, disagrees }: MemberView): string | undefined {
  if (state === undefined) return 'is away';
  if (state.refused !== undefined) return 'refuses what etcd holds';
  if (state.from === 'cache') return 'runs by its cache';
  return disagrees ? 'disagrees with most directors' : undefined;
}
