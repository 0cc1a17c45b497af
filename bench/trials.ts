/** The trials. Words on the command line select them by name. */
import { type Scheduler, schedulerFlagsOf, schedulers } from '../lib/values/scheduler.js';
import { knocks } from './subjects/control.js';
import type { SubjectName, SubjectOptions } from './subjects/index.js';

interface TrialOf<Name extends SubjectName> {
  name: string;
  /** A word of its name that must be given for the trial to run, because it takes long, or much memory. */
  onDemand?: string;
  subject: Name;
  options: SubjectOptions<Name>;
}

export type Trial = {
  [Name in SubjectName]: TrialOf<Name>;
}[SubjectName];

const K = 1024;
const M = 1024 * K;

/** Opens new connections beside as many others, so that schedulers have something to remember. */
function schedulerTrial(scheduler: Scheduler, servers: number): Trial {
  // mh needs a slot for each server, and ovf needs more weight than there are connections.
  const tableSize = scheduler === 'mh' && servers > 4093 ? 8191 : 0;
  const weightFactor = scheduler === 'ovf' ? M : 1;
  const hashesPort = schedulerFlagsOf(scheduler).some((flag) => flag === `${scheduler}-port`);
  // Schedulers that look at each server take tens of microseconds with so many; those that hash must fill slots first.
  const flows = servers > 1000 && !hashesPort ? 64 * K : 256 * K;
  const options = { connections: flows, packets: flows, scheduler, servers, tableSize, weightFactor, hashesPort };
  return {
    name: `schedulers ${scheduler} ${servers} servers`,
    onDemand: 'schedulers',
    subject: 'memory',
    options: { workload: 'open', ...options },
  };
}

/** Checks 2,000 servers every second; the long trials want `--runs 1`. */
const healthTrials = (
  [
    ['tcp', 'vip'],
    ['tcp', 'address'],
    ['http', 'address'],
  ] as const
).flatMap(([kind, via]): Trial[] => {
  const name = `health 2000 servers each second ${kind} by ${via}`;
  const options = { kind, via, servers: 2000, intervalMs: 1000 };
  return [
    { name, subject: 'health', options: { ...options, seconds: 10 } },
    { name: `${name} 10 minutes`, onDemand: 'minutes', subject: 'health', options: { ...options, seconds: 600 } },
  ];
});

export const trials: readonly Trial[] = [
  { name: 'memory established 1 connection', subject: 'memory', options: { connections: 1 } },
  { name: 'memory established 64k uniform', subject: 'memory', options: { connections: 64 * K } },
  { name: 'memory established 64k zipf', subject: 'memory', options: { connections: 64 * K, distribution: 'zipf' } },
  { name: 'memory established 1M uniform', subject: 'memory', options: { connections: M } },
  { name: 'memory established 1M zipf', subject: 'memory', options: { connections: M, distribution: 'zipf' } },
  { name: 'memory established 8M uniform', onDemand: '8M', subject: 'memory', options: { connections: 8 * M } },
  {
    name: 'memory established 8M zipf',
    onDemand: '8M',
    subject: 'memory',
    options: { connections: 8 * M, distribution: 'zipf' },
  },
  { name: 'memory open 1M', subject: 'memory', options: { workload: 'open', connections: 0, packets: M } },
  {
    name: 'memory open 1M more beside 1M',
    subject: 'memory',
    options: { workload: 'open', connections: M, packets: M },
  },
  ...(['syn', 'established', 'talking', 'udp', 'fragments', 'persistent'] as const).map(
    (flood): Trial => ({ name: `attack ${flood}`, onDemand: 'attack', subject: 'attack', options: { flood } }),
  ),
  { name: 'device packet', subject: 'device', options: { egress: 'packet', flows: 4 * K, packetBytes: 64 } },
  { name: 'device raw', subject: 'device', options: { egress: 'raw', flows: 4 * K, packetBytes: 64 } },
  { name: 'device tun', subject: 'device', options: { egress: 'tun', flows: 4 * K, packetBytes: 64 } },
  {
    name: 'device packet 256k flows',
    onDemand: '256k',
    subject: 'device',
    options: { egress: 'packet', flows: 256 * K, packetBytes: 64 },
  },
  ...knocks.flatMap((knock): Trial[] => [
    { name: `control ${knock}`, onDemand: 'control', subject: 'control', options: { knock, packetsPerSecond: 0 } },
    {
      name: `control ${knock} paced`,
      onDemand: 'control',
      subject: 'control',
      options: { knock, packetsPerSecond: 20_000 },
    },
  ]),
  {
    name: 'api stats of 10 services with 10 servers',
    subject: 'api',
    options: { call: 'stats', services: 10, serversPerService: 10 },
  },
  {
    name: 'api weight change beside 1000 servers',
    subject: 'api',
    options: { call: 'weight change', services: 10, serversPerService: 100 },
  },
  {
    name: 'api transaction of 100 servers',
    subject: 'api',
    options: { call: 'transaction of 100 servers', services: 1, serversPerService: 1 },
  },
  ...(['none', 'batch', 'each'] as const).map((decide): Trial => {
    const options = { decide, servers: 16, connections: M, window: 2 * K };
    return { name: `policy ${decide}`, subject: 'policy', options };
  }),
  ...healthTrials,
  ...(['wrr', 'mh'] as const).map(
    (scheduler): Trial => ({
      name: `health changes of 2000 servers ${scheduler}`,
      subject: 'healthChanges',
      options: { services: 100, serversPerService: 20, scheduler },
    }),
  ),
  ...schedulers.flatMap((scheduler) => [2, 16, 256, 4096].map((servers) => schedulerTrial(scheduler, servers))),
];

/** Returns the trials whose names hold every word, except those whose own word is not given. */
export function selectTrials(words: readonly string[], all = trials): Trial[] {
  return all
    .filter(({ name }) => words.every((word) => name.split(' ').includes(word)))
    .filter(({ onDemand }) => onDemand === undefined || words.includes(onDemand));
}
