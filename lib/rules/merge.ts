/**
 * The rule for what was changed by hand: what a file changed since it was last read comes into force; what it did not
 * change stays as the director has it, whether somebody set, added or deleted it meanwhile.
 */
import { isDeepStrictEqual } from 'node:util';
import { serverName } from '../values/server-options.js';
import { isSameSysctl } from '../values/sysctls.js';
import type { StateTimeouts } from '../values/timeouts.js';
import { isSameField, picked, serverFields, serviceFields } from './fields.js';
import { nameOfService, type Wanted, type WantedServer, type WantedService } from './wanted.js';

/** `last` and `next` are what the file said and says; `now` is what the director holds. */
export function merge(last: Wanted, now: Wanted, next: Wanted): Wanted {
  return {
    services: mergeNamed(nameOfService, mergeService, last.services, now.services, next.services),
    marks: isDeepStrictEqual(last.marks, next.marks) ? now.marks : next.marks,
    timeouts: mergeTimeouts(last.timeouts, next.timeouts),
    sysctls: mergeSysctls(last.sysctls, next.sysctls),
  };
}

type MergeOne<Named> = (last: Named | undefined, now: Named | undefined, next: Named) => Named | undefined;

/** What the file says comes first, in its order; what only the director has follows. */
function mergeNamed<Named>(
  nameOf: (named: Named) => string,
  mergeOne: MergeOne<Named>,
  last: readonly Named[],
  now: readonly Named[],
  next: readonly Named[],
): Named[] {
  const before = new Map(last.map((each) => [nameOf(each), each]));
  const there = new Map(now.map((each) => [nameOf(each), each]));
  const said = new Set(next.map(nameOf));
  const merged = next
    .map((each) => mergeOne(before.get(nameOf(each)), there.get(nameOf(each)), each))
    .filter((each) => each !== undefined);
  const byHand = now.filter((each) => !said.has(nameOf(each)) && !before.has(nameOf(each)));
  return [...merged, ...byHand];
}

function mergeService(last: WantedService | undefined, now: WantedService | undefined, next: WantedService) {
  // Deleted by hand: it comes back when the file says something new of it.
  if (last && !now) return isDeepStrictEqual(last, next) ? undefined : next;
  if (!now) return next;
  const settings = last ? mergeFields(serviceFields, last.settings, now.settings, next.settings) : next.settings;
  const servers = mergeNamed(serverName, mergeServer, last?.servers ?? [], now.servers, next.servers);
  return { ...next, settings, servers };
}

function mergeServer(last: WantedServer | undefined, now: WantedServer | undefined, next: WantedServer) {
  if (last && !now) return isDeepStrictEqual(last, next) ? undefined : next;
  if (!last || !now) return next;
  return { ...next, settings: mergeFields(serverFields, last.settings, now.settings, next.settings) };
}

function mergeFields<Settings extends object>(
  fields: readonly (readonly (keyof Settings)[])[],
  last: Settings,
  now: Settings,
  next: Settings,
): Settings {
  const kept = fields.map((field) =>
    isSameField(field, last, next) && isSameField(field, next, last) ? picked(field, now) : picked(field, next),
  );
  return Object.assign({}, ...kept);
}

/** A timeout that is left out stays as it is. */
function mergeTimeouts(last: StateTimeouts, next: StateTimeouts): StateTimeouts {
  const names = Object.keys(next) as (keyof StateTimeouts)[];
  return picked(
    names.filter((name) => last[name] !== next[name]),
    next,
  );
}

function mergeSysctls(last: Wanted['sysctls'], next: Wanted['sysctls']): Wanted['sysctls'] {
  return Object.fromEntries(Object.entries(next).filter(([name, value]) => !isSameSysctl(name, last[name], value)));
}
