/**
 * The schedulers that the native part has, and their flags. docs/schedulers.md says what each does and when to use it.
 */

/** The values of {@link Scheduler}. */
export const schedulers = [
  'rr',
  'wrr',
  'lc',
  'wlc',
  'sed',
  'nq',
  'dh',
  'sh',
  'mh',
  'fo',
  'ovf',
  'lblc',
  'lblcr',
  'twos',
  'maglev',
  'rendezvous',
  'p2c',
] as const;

/** Chooses the real server of a new connection. docs/schedulers.md says what each does and when to take which. */
export type Scheduler = (typeof schedulers)[number];

/** ipvsadm's own default. */
export const DEFAULT_SCHEDULER: Scheduler = 'wlc';

/** The schedulers that compare numbers of connections. A service that schedules single datagrams has no connections. */
const COUNTING: readonly string[] = ['lc', 'wlc', 'sed', 'nq', 'ovf', 'lblc', 'lblcr'];

/** Says what is odd about `scheduler` where every datagram is scheduled by itself; undefined when nothing is. */
export function onePacketWarning(scheduler: string): string | undefined {
  if (!COUNTING.includes(scheduler)) return undefined;
  return (
    `the scheduler ${scheduler} compares numbers of connections, but datagrams that are scheduled by themselves ` +
    'make none, so one real server gets them all: choose wrr, rr, p2c or a hashing scheduler'
  );
}

/** IPVS's numbers for the flags; `flag-N` is flag N of any scheduler. */
export const schedulerFlagNumbers = {
  'flag-1': 1,
  'flag-2': 2,
  'flag-3': 3,
  'sh-fallback': 1,
  'mh-fallback': 1,
  'sh-port': 2,
  'mh-port': 2,
  'maglev-port': 2,
  'rendezvous-port': 2,
} as const;

/**
 * A flag of a scheduler. With `-fallback` another real server takes a client when the one that it hashes to may not be
 * chosen. With `-port` the client's port is hashed together with its address. `flag-1` to `flag-3` are the flags of any
 * scheduler by their numbers.
 */
export type SchedulerFlag = keyof typeof schedulerFlagNumbers;

const flags = Object.keys(schedulerFlagNumbers) as SchedulerFlag[];

/**
 * Lists the flags that go with a scheduler. When a flag has two names, the scheduler's own comes first.
 *
 * @param scheduler - The scheduler's name; an unknown name has only the numbered flags.
 * @example
 * ```ts
 * import { schedulerFlagsOf } from 'tunvs';
 *
 * console.log(schedulerFlagsOf('sh')[0]); // sh-fallback
 * ```
 */
export function schedulerFlagsOf(scheduler: string): SchedulerFlag[] {
  return [
    ...flags.filter((flag) => flag.startsWith(`${scheduler}-`)),
    ...flags.filter((flag) => flag.startsWith('flag-')),
  ];
}

/** Returns the name of a flag by its number, as ipvsadm prints it. */
export function schedulerFlagName(scheduler: string, number: 1 | 2 | 3): SchedulerFlag {
  return schedulerFlagsOf(scheduler).find((flag) => schedulerFlagNumbers[flag] === number) as SchedulerFlag;
}
