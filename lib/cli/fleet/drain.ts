/** `tunvs fleet drain DIRECTOR` and `undrain DIRECTOR`: they return when the director has followed. */
import type { FleetView } from '../../fleet/overview.js';
import { TunvsError } from '../../values/errors.js';
import { count } from '../words.js';
import { isActive, type LeftOptions, othersActive, stateIn, whyNobodyLeft } from './left.js';
import type { Say } from './progress.js';
import { until, type UntilOptions } from './until.js';
import type { Wishes } from './wishes.js';

export interface DrainParts extends UntilOptions {
  wishes: Wishes;
  say: Say;
}

export async function drain(
  member: string,
  options: LeftOptions,
  { wishes, say, ...times }: DrainParts,
): Promise<void> {
  const view = await wishes.read(times.signal);
  stateIn(view, member);
  const why = whyNobodyLeft(view, member, options);
  if (why !== undefined) throw new TunvsError('ERR_TUNVS_BUSY', why);
  const found = view.directors.find((each) => each.member === member);
  // One that is active against the wish is asked anew.
  const sinceMs = found && !isActive(found) && found.drain ? found.drain.sinceMs : Date.now();
  await wishes.drain(member, sinceMs || Date.now(), times.signal);
  const after = await follow(member, { wishes, say, ...times });
  const isCounted = found !== undefined && isActive(found) && !options.force && !options.failover;
  // Two who drain at the same time see each other's wish now.
  if (isCounted && othersActive(after, member).length === 0) {
    await wishes.undrain(member, times.signal);
    const text = `no other director is active any more, so ${member} is no longer to be drained: see "tunvs fleet"`;
    throw new TunvsError('ERR_TUNVS_BUSY', text);
  }
  const { connections } = stateIn(after, member);
  const text = `${member} is drained: it is a standby now, with ${count(connections, 'connection')}`;
  say('drained', text, { director: member, connections });
}

async function follow(member: string, { wishes, say, ...times }: DrainParts): Promise<FleetView> {
  return until(
    wishes,
    ({ directors }) => {
      const state = directors.find((each) => each.member === member)?.state;
      if (state === undefined) return `${member} is away`;
      const isStandby = state.drainSinceMs !== undefined && state.role === 'standby';
      return isStandby ? undefined : `${member} is no standby: its log says why`;
    },
    times,
  ).catch((error) => {
    const text = `the wish that ${member} is drained stays: "tunvs fleet undrain ${member}" takes it back`;
    say('wished', text, { director: member });
    throw error;
  });
}

export async function undrain(member: string, { wishes, say, ...times }: DrainParts): Promise<void> {
  const view = await wishes.read(times.signal);
  if (!(await wishes.undrain(member, times.signal))) {
    const names = view.directors.filter(({ drain: wish }) => wish).map((each) => each.member);
    const mend = names.length === 0 ? 'no director is' : `these are: ${names.join(', ')}`;
    throw new TunvsError('ERR_TUNVS_NOT_FOUND', `nobody wishes that ${member} is drained: ${mend}`);
  }
  const isThere = view.directors.some((each) => each.member === member && each.state);
  if (!isThere) return say('undrained', `${member} is no longer to be drained, and is away`, { director: member });
  const after = await until(
    wishes,
    ({ directors }) => {
      const state = directors.find((each) => each.member === member)?.state;
      return state === undefined || state.drainSinceMs !== undefined ? `${member} has not heard of it` : undefined;
    },
    times,
  );
  const { role } = stateIn(after, member);
  const what = role === undefined ? '' : `: it is ${role === 'active' ? 'active' : 'a standby'}`;
  say('undrained', `${member} is no longer to be drained${what}`, { director: member, role });
}
