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

/** Options of one scheduler or another. */
export interface SchedulerOptions {
  /**
   * Slots of its table. `maglev`: a prime from 251 to 16777213, default 65537; `rendezvous`: 256 to 16777216, default 65536; `mh`: 251,
   * 509, 1021, 2039, 4093 (default), 8191, 16381, 32749, 65521 or 131071; `sh`, `dh`: a power of two from 16 to 1048576, default 256.
   */
  tableSize?: number;
  /** Only `wrr`: a change of weights or servers leaves the walk where it is. Default false: it begins anew, as IPVS's. */
  stableCursor?: boolean;
  /** Only `rr`, `wrr`: the walk begins anywhere, so that directors started together begin differently. Default false. */
  randomStart?: boolean;
}

export interface SchedulerChoice {
  /** Default 'wlc'. */
  scheduler?: Scheduler;
  /** Default none. Another scheduler begins without flags. */
  schedulerFlags?: SchedulerFlag[];
  /** Another scheduler begins with its defaults. */
  schedulerOptions?: SchedulerOptions;
}

type SchedulerConfig = Pick<NativeServiceConfig, 'scheduler' | 'schedulerFlags' | 'schedulerOptions'>;

/** The keys of {@link SchedulerChoice}. */
export const schedulerKeys = ['scheduler', 'schedulerFlags', 'schedulerOptions'] as const;

const MAX_TABLE_SIZE = 2 ** 24;

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
