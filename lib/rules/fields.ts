/**
 * The settings that are compared, merged and changed together, because the values of one bound those of another: a
 * scheduler and its options, the two thresholds.
 */
import { isDeepStrictEqual } from 'node:util';
import type { VirtualServiceEdit } from '../director/service-options.js';
import { Policy } from '../policy/policy.js';
import type { WantedServerSettings } from './wanted.js';

type Fields<Settings> = readonly (readonly (keyof Settings)[])[];

/** Takes a list that names every setting: one that is missing is an error of the compiler, as nobody would apply it. */
const fieldsOf =
  <Settings>() =>
  <const Named extends Fields<Settings>>(
    fields: Exclude<keyof Settings, Named[number][number]> extends never ? Named : never,
  ): Fields<Settings> =>
    fields;

export const serviceFields = fieldsOf<VirtualServiceEdit>()([
  ['scheduler', 'schedulerFlags', 'schedulerOptions', 'midStream', 'slowStart'],
  ['persistence'],
  ['onePacket'],
  ['timeouts'],
  ['rescheduleUdp'],
  ['announce'],
  ['policy'],
]);

export const serverFields = fieldsOf<WantedServerSettings>()([
  ['forwarding', 'tunnelPort', 'tunnelChecksum', 'clientAddress'],
  ['weight'],
  ['upperThreshold', 'lowerThreshold'],
  ['isSorry'],
]);

/** Returns what of `wanted` must be set where `now` holds; undefined when nothing differs. */
export function differences<Settings extends object>(
  fields: Fields<Settings>,
  now: Settings,
  wanted: Settings,
): Partial<Settings> | undefined {
  const changed = fields.filter((field) => !isSameField(field, now, wanted));
  if (changed.length === 0) return undefined;
  return Object.assign({}, ...changed.map((field) => picked(field, wanted)));
}

/** A setting that `wanted` leaves out is never different. */
export function isSameField<Settings extends object>(
  field: readonly (keyof Settings)[],
  now: Settings,
  wanted: Settings,
): boolean {
  return field.every((name) => wanted[name] === undefined || isSame(now[name], wanted[name]));
}

export function picked<Settings extends object>(names: readonly (keyof Settings)[], from: Settings): Partial<Settings> {
  const some: Partial<Settings> = {};
  for (const name of names) if (from[name] !== undefined) some[name] = from[name];
  return some;
}

/** Two policies are never the same one, however alike they look. */
function isSame(left: unknown, right: unknown): boolean {
  return left === right || (!(left instanceof Policy) && isDeepStrictEqual(left, right));
}
