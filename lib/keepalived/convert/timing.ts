/** When checks are made: values go from the virtual server to the real server to the checker, unless set below. */
import type { Statement } from '../language/statements.js';
import { Fields } from './fields.js';
import { durationText, last, type Values } from './values.js';

type Block = readonly Statement[] | undefined;

/** What a kind of checker has where nobody says it. */
export interface TimingDefaults {
  retries: number;
  /** Milliseconds; the interval by default. */
  retryDelayMs?: number;
  /** What says how long a check may take. */
  timeout: 'connect_timeout' | 'none';
}

const MAX_RETRIES = 100;
const DEFAULT_LOOP_MS = 60_000;
const DEFAULT_TIMEOUT_MS = 5000;

/** Milliseconds. */
export interface Timing {
  intervalMs: number;
  timeoutMs: number;
  fields: Fields;
}

/** The blocks are those of the virtual server, the real server and the checker, outermost first. */
export function timingOf(
  checker: Statement,
  blocks: readonly Block[],
  defaults: TimingDefaults,
  values: Values,
): Timing {
  const nearest = (...keywords: string[]) =>
    [...blocks].reverse().flatMap((block) => last(block, ...keywords) ?? [])[0];
  const read = <T>(statement: Statement | undefined, value: T | undefined, otherwise: T) => ({
    value: value ?? otherwise,
    place: statement?.place ?? checker.place,
  });
  const seconds = (keyword: string, min: number, otherwise: number) => {
    const statement = nearest(keyword);
    return read(statement, values.seconds(statement, min), otherwise);
  };
  const interval = seconds('delay_loop', 0.000001, DEFAULT_LOOP_MS);
  const timeout = seconds('connect_timeout', 0.000001, DEFAULT_TIMEOUT_MS);
  const retry = nearest('retry', 'nb_get_retry');
  const retries = read(retry, values.integer(retry, 0, MAX_RETRIES), defaults.retries);
  const retryDelay = seconds('delay_before_retry', 0, defaults.retryDelayMs ?? interval.value);
  const warmUp = seconds('warmup', 0, interval.value);
  const alpha = nearest('alpha');
  const isAlpha = values.boolean(alpha) ?? false;
  const fields = new Fields(checker.place)
    .set('interval', durationText(interval.value), interval.place)
    .set('timeout', durationText(timeout.value), timeout.place)
    .set('retries', retries.value, retries.place)
    .set('retryDelay', durationText(retryDelay.value), retryDelay.place)
    .set('warmUp', durationText(warmUp.value), warmUp.place)
    .set('start', isAlpha ? 'down' : 'up', alpha?.place);
  return { intervalMs: interval.value, timeoutMs: timeout.value, fields };
}
