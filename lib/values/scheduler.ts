/** The schedulers that the native part has, and their flags; docs/schedulers.md says what each does and when to take which. */

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

/** How a virtual service chooses the real server of a new connection. */
export type Scheduler = (typeof schedulers)[number];

/** ipvsadm's own default. */
export const DEFAULT_SCHEDULER: Scheduler = 'wlc';

/** Those that go by connections alone, of which a service of single datagrams has none to count. */
const COUNTING: readonly string[] = ['lc', 'wlc', 'sed', 'nq', 'ovf', 'lblc', 'lblcr'];

/** What is odd about `scheduler` where every datagram is scheduled by itself; undefined: nothing. */
export function onePacketWarning(scheduler: string): string | undefined {
  if (!COUNTING.includes(scheduler)) return undefined;
  return (
    `the scheduler ${scheduler} chooses by connections, and a datagram that is scheduled by itself leaves none, ` +
    'so that one real server gets them all: take wrr, rr, p2c or a hashing one'
  );
}

/** The numbers that IPVS has for them; `flag-N` is flag N of whatever scheduler. */
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
 * `-fallback`: where the real server that a client hashes to may not be chosen, another one takes it. `-port`: the client's
 * port is hashed with its address.
 */
export type SchedulerFlag = keyof typeof schedulerFlagNumbers;

const flags = Object.keys(schedulerFlagNumbers) as SchedulerFlag[];

/** Those that go with a scheduler; of two names for a flag, its own comes first. */
export function schedulerFlagsOf(scheduler: string): SchedulerFlag[] {
  return [
    ...flags.filter((flag) => flag.startsWith(`${scheduler}-`)),
    ...flags.filter((flag) => flag.startsWith('flag-')),
  ];
}

/** The name of a flag by its number, as ipvsadm prints it. */
export function schedulerFlagName(scheduler: string, number: 1 | 2 | 3): SchedulerFlag {
  return schedulerFlagsOf(scheduler).find((flag) => schedulerFlagNumbers[flag] === number) as SchedulerFlag;
}
