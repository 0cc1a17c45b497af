/** The timing of checks: read from options, with the defaults. */
import { choiceOption, durationOption, integerOption, refuse } from '../values/options.js';
import type { CheckTiming } from './options.js';

/** A timing of which nothing is left out. */
export type Timing = Required<CheckTiming>;

export const timingOptions = [
  'intervalMs',
  'downIntervalMs',
  'timeoutMs',
  'retries',
  'retryDelayMs',
  'rise',
  'fall',
  'jitter',
  'warmUpMs',
  'start',
  'via',
] as const satisfies readonly (keyof CheckTiming)[];

/** Checks a timing; `layers` go from the most general to the most particular, and each option is the last one given. */
export function checkedTiming(name: string, ...layers: readonly CheckTiming[]): Timing {
  const given: Record<string, unknown> = {};
  for (const layer of layers)
    for (const option of timingOptions) if (layer[option] !== undefined) given[option] = layer[option];
  const of = (option: keyof CheckTiming) => [`${name}: ${option}`, given[option]] as const;
  const intervalMs = durationOption(...of('intervalMs'), 10, 2000);
  return {
    intervalMs,
    downIntervalMs: durationOption(...of('downIntervalMs'), 10, intervalMs),
    timeoutMs: durationOption(...of('timeoutMs'), 1, Math.min(1000, intervalMs)),
    retries: integerOption(...of('retries'), 0, 100, 1),
    retryDelayMs: durationOption(...of('retryDelayMs'), 0, 500),
    rise: integerOption(...of('rise'), 1, 1000, 2),
    fall: integerOption(...of('fall'), 1, 1000, 1),
    jitter: shareOption(...of('jitter'), 0.1),
    warmUpMs: durationOption(...of('warmUpMs'), 0, intervalMs),
    start: choiceOption(...of('start'), ['up', 'down'], 'up'),
    via: choiceOption(...of('via'), ['vip', 'address', 'both'], 'vip'),
  };
}

/** Returns how long it takes at most, in milliseconds, until a server that has stopped is down. */
export function detectionMs({ intervalMs, timeoutMs, retries, retryDelayMs, fall, jitter }: Timing): number {
  const untilItCounts = timeoutMs + retries * (retryDelayMs + timeoutMs);
  return fall * (intervalMs * (1 + jitter / 2) + untilItCounts);
}

/** Two timings of one key are the same. */
export const timingKey = (timing: Timing): string => timingOptions.map((option) => timing[option]).join(' ');

function shareOption(name: string, value: unknown, fallback: number): number {
  if (value === undefined) return fallback;
  return typeof value === 'number' && value >= 0 && value <= 1 ? value : refuse(name, value, 'a number from 0 to 1');
}
