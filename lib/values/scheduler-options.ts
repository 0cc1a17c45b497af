/** Checks what callers say about a service's scheduler. */
import type { NativeServiceConfig } from '../native/services.js';
import { booleanOption, checkedOptions, choiceOption, integerOption, refuse } from './options.js';
import {
  type Scheduler,
  type SchedulerFlag,
  schedulerFlagName,
  schedulerFlagNumbers,
  schedulerFlagsOf,
  schedulers,
} from './scheduler.js';

/**
 * The options that some schedulers have.
 *
 * @example
 * ```ts
 * import { Director, type SchedulerOptions } from 'tunvs';
 *
 * const director = Director.offline({ source: '10.2.0.2' });
 * const service = director.addVirtualService({ protocol: 'tcp', address: '192.0.2.1', port: 80, scheduler: 'wrr' });
 * const options: SchedulerOptions = { stableCursor: true, randomStart: true };
 * service.edit({ schedulerOptions: options });
 * console.log(service.schedulerOptions.stableCursor); // true
 * ```
 */
export interface SchedulerOptions {
  /**
   * Sets the number of slots of the scheduler's table:
   *
   * - `maglev` takes a prime from 251 to 16777213; the default is 65537.
   * - `rendezvous` takes a number from 256 to 16777216; the default is 65536.
   * - `mh` takes 251, 509, 1021, 2039, 4093, 8191, 16381, 32749, 65521 or 131071; the default is 4093.
   * - `sh` and `dh` take a power of two from 16 to 1048576; the default is 256.
   */
  tableSize?: number;
  /**
   * Leaves the walk of `wrr` where it is when weights or servers change. By default it is false, and the walk begins
   * anew, as with IPVS.
   */
  stableCursor?: boolean;
  /**
   * Begins the walk of `rr` or `wrr` at a random server, so that directors that start together begin differently. The
   * default is false.
   */
  randomStart?: boolean;
}

/** The scheduler of a virtual service. */
export interface SchedulerChoice {
  /** Chooses the scheduler. The default is 'wlc'. */
  scheduler?: Scheduler;
  /** Sets the scheduler's flags. The default is none, and another scheduler begins without flags. */
  schedulerFlags?: SchedulerFlag[];
  /** Sets the scheduler's options. Another scheduler begins with its defaults. */
  schedulerOptions?: SchedulerOptions;
}

type SchedulerConfig = Pick<NativeServiceConfig, 'scheduler' | 'schedulerFlags' | 'schedulerOptions'>;

/** The keys of {@link SchedulerChoice}. */
export const schedulerKeys = ['scheduler', 'schedulerFlags', 'schedulerOptions'] as const;

export const MAX_TABLE_SIZE = 2 ** 24;

/** An option that is left out keeps its value, unless the scheduler changes. */
export function checkedSchedulerChoice(
  call: string,
  choice: SchedulerChoice,
  before: SchedulerConfig,
): SchedulerConfig {
  const scheduler = choiceOption<string>(`${call}: scheduler`, choice.scheduler, schedulers, before.scheduler);
  const kept: Omit<SchedulerConfig, 'scheduler'> = scheduler === before.scheduler ? before : { schedulerFlags: [] };
  const schedulerFlags = checkedFlags(
    `${call}: schedulerFlags`,
    choice.schedulerFlags ?? kept.schedulerFlags,
    scheduler,
  );
  const schedulerOptions = checkedSchedulerOptions(call, choice.schedulerOptions ?? kept.schedulerOptions);
  return { scheduler, schedulerFlags, ...(schedulerOptions && { schedulerOptions }) };
}

/** Returns each flag once, by its scheduler's own name, in the order of their numbers. */
function checkedFlags(name: string, flags: readonly string[], scheduler: string): SchedulerFlag[] {
  if (!Array.isArray(flags)) return refuse(name, flags, `an array of ${schedulerFlagsOf(scheduler).join(', ')}`);
  const numbers = Array.from(
    flags,
    (flag) => schedulerFlagNumbers[choiceOption(name, flag, schedulerFlagsOf(scheduler))],
  );
  return [...new Set(numbers)].sort().map((number) => schedulerFlagName(scheduler, number));
}

/** The native part decides which scheduler takes which option. */
function checkedSchedulerOptions(call: string, given: SchedulerOptions | undefined): SchedulerOptions | undefined {
  if (given === undefined) return undefined;
  const options = checkedOptions(`${call}: schedulerOptions`, given, ['tableSize', 'stableCursor', 'randomStart']);
  const checked: SchedulerOptions = {};
  if (options.tableSize !== undefined) {
    checked.tableSize = integerOption(`${call}: tableSize`, options.tableSize, 1, MAX_TABLE_SIZE);
  }
  for (const name of ['stableCursor', 'randomStart'] as const) {
    if (booleanOption(`${call}: ${name}`, options[name], false)) checked[name] = true;
  }
  return Object.keys(checked).length === 0 ? undefined : checked;
}
