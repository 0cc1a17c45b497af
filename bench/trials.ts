/** The trials. Words on the command line select them by name. */
import { type Scheduler, schedulerFlagsOf, schedulers } from '../lib/values/scheduler.js';
import { knocks } from './subjects/control.js';
import { type PeerName, peers } from './subjects/peers/list.js';
import type { Peer } from './subjects/peers/peer.js';
import type { SubjectName, SubjectOptions } from './subjects/index.js';

export interface PlotPoint {
  /** The picture's name. */
  plot: string;
  /** The name of the line that the point lies on. */
  series: string;
  x: number;
}

interface TrialOf<Name extends SubjectName> {
  name: string;
  /** A word of its name that must be given for the trial to run, because it takes long, or much memory. */
  onDemand?: string;
  /** Where its figures stand in a picture of bench/plots.ts. */
  point?: PlotPoint;
  subject: Name;
  options: SubjectOptions<Name>;
}

export type Trial = {
  [Name in SubjectName]: TrialOf<Name>;
}[SubjectName];

const K = 1024;
const M = 1024 * K;

/** Sends packets of existing connections. All but the usual sizes have to be named. */
const establishedTrials = (
  [
    ['64', 64],
    ['4k', 4 * K],
    ['64k', 64 * K],
    ['1M', M],
    ['2M', 2 * M],
    ['4M', 4 * M],
    ['8M', 8 * M],
  ] as const
).flatMap(([size, connections]) =>
  (['uniform', 'zipf'] as const).map(
    (distribution): Trial => ({
      name: `memory established ${size} ${distribution}`,
      ...(size !== '64k' && size !== '1M' && { onDemand: size }),
      point: { plot: 'connections', series: distribution, x: connections },
      subject: 'memory',
      options: { connections, distribution },
    }),
  ),
);

/** The tables of a director that keeps a state lie in a file. */
const stateTrials: Trial[] = (
  [
    ['1M', M],
    ['8M', 8 * M],
  ] as const
).flatMap(([size, connections]) =>
  (['file', 'moved'] as const).map(
    (tables): Trial => ({
      name: `memory established ${size} uniform, tables in a file${tables === 'moved' ? ' in huge pages' : ''}`,
      onDemand: 'file',
      subject: 'memory',
      options: { connections, tables },
    }),
  ),
);

/** Rewrites the packets of both sides, and beside them puts the clients' into tunnels. */
const natTrials: Trial[] = (
  [
    ['1 connection', 1],
    ['64k', 64 * K],
    ['1M', M],
  ] as const
).flatMap(([size, connections]) =>
  (
    [
      ['clients', 'established'],
      ['servers', 'reply'],
    ] as const
  ).map(
    ([side, workload]): Trial => ({
      name: `memory nat ${side} ${size}`,
      subject: 'memory',
      options: { workload, connections, forwarding: 'nat', scheduler: 'rr', isBesideTunnel: true },
    }),
  ),
);

/** The schedulers whose costs are drawn over the number of servers: two that look at each, and two that do not. */
const DRAWN: readonly Scheduler[] = ['wlc', 'wrr', 'p2c', 'maglev'];

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
    ...(DRAWN.includes(scheduler) && { point: { plot: 'servers', series: scheduler, x: servers } }),
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

/**
 * Each workload beside each peer. Where a wire carries segments, the kernel receives for the director in the time of
 * whoever sends, so only programs can be measured.
 */
const peerTrials = (['responses', 'connections', 'requests', 'upload'] as const).flatMap((workload): Trial[] => {
  const all = (Object.keys(peers) as PeerName[]).filter((name) => !(peers[name] as Peer).isVariant);
  const programs = all.filter((name) => peers[name].isProgram);
  const trial = { onDemand: 'peers', subject: 'peers' } as const;
  return [
    { ...trial, name: `peers ${workload}`, options: { workload, wire: 'frames', peers: all } },
    { ...trial, name: `peers ${workload} segments`, options: { workload, wire: 'segments', peers: programs } },
  ];
});

/** Packets of both sides are rewritten: LVS/NAT beside those who let nothing past the director either. */
const natPeerTrials = (['responses100k', 'responses1k', 'requests', 'connections'] as const).map(
  (workload): Trial => ({
    ...{ name: `peers nat ${workload}`, onDemand: 'peers', subject: 'peers' },
    options: {
      ...{ workload, wire: 'frames' },
      peers: ['tunvsNat', 'dnat', 'haproxy', 'haproxySplice', 'forwarding', 'tunvs'],
    },
  }),
);

/** Answers by the fast path beside those who forward in the kernel, and proxies. */
const fastPeerTrials = (
  [
    ['egress', 'tunvsFastPath'],
    ['ingress', 'tunvsFastPathIngress'],
  ] as const
).flatMap(([hook, first]) =>
  (['responses', 'requests'] as const).map(
    (workload): Trial => ({
      ...{ name: `peers fast path ${hook} ${workload}`, onDemand: 'peers', subject: 'peers' },
      options: {
        ...{ workload, wire: 'frames' },
        peers: [first, 'tunvs', 'haproxy', 'haproxySplice', 'nginxStream', 'dnat', 'forwardingPast'],
      },
    }),
  ),
);

/** What the servers spend on taking tunnel packets apart: by a program in the kernel, by sockets, and without a tunnel. */
const realServerTrials = (['responses', 'upload'] as const).map(
  (workload): Trial => ({
    ...{ name: `peers real server ${workload}`, onDemand: 'peers', subject: 'peers' },
    options: { workload, wire: 'frames', peers: ['tunvsFastPathAtBothEnds', 'tunvsFastPathIngress', 'forwardingPast'] },
  }),
);

/** What a byte of an upload costs: cards receive for the director and for the servers in threads of their own. */
const bulkTrials = (
  [
    ['bulk upload', ['tunvsOffloads', 'tunvsNoOffloads', 'nullLoop']],
    ['bulk upload gue', ['tunvsGue', 'tunvsNoOffloads', 'nullLoop']],
    ['bulk upload fast path', ['tunvsFastPath', 'tunvsOffloads', 'tunvsNoOffloads', 'nullLoop', 'forwardingPast']],
    ['bulk upload fast path gue', ['tunvsFastPathGue', 'tunvsNoOffloads', 'nullLoop', 'forwardingPast']],
  ] as const
).map(
  ([name, names]): Trial => ({
    ...{ name, onDemand: 'bulk', subject: 'peers' },
    options: { workload: 'upload', wire: 'frames', peers: names },
  }),
);

/** The same of a director that always has something to do. */
const saturatedBulkTrials = (['card', 'kernel'] as const).map(
  (cutBy): Trial => ({ name: `bulk datagrams cut by ${cutBy}`, onDemand: 'bulk', subject: 'bulk', options: { cutBy } }),
);

/** What the director adds to a packet's way, by its egress; the worker that spins never sleeps at this load. */
const latencyTrials = (
  [
    ['latency packet', { egress: 'packet' }],
    ['latency packet shared', { egress: 'packet', isShared: true }],
    ['latency packet busy poll', { egress: 'packet', busyPollUs: 1000 }],
    ['latency tun', { egress: 'tun' }],
    ['latency fast path', { egress: 'packet', fastPath: 'egress', isShared: true }],
  ] as const
).map(
  ([name, options]): Trial => ({
    ...{ name, onDemand: 'latency', subject: 'latency' },
    options: { ...options, flows: 4 * K, packetBytes: 64 },
  }),
);

/** A million flows are warmed up so slowly that the workers see an empty queue between. */
const manyFlows = { flows: M, warmUpRounds: 5, warmUpPacketsPerSecond: 60_000 };
const fastPathTrials = (['egress', 'ingress', 'ring'] as const).flatMap((hook): Trial[] => {
  const name = (size: string) => `fast path ${hook} ${size}`;
  return [
    { name: name('1 flow'), subject: 'fastPath', options: { hook, flows: 1 } },
    { name: name('64k flows'), subject: 'fastPath', options: { hook, flows: 64 * K } },
    { name: name('1M flows'), onDemand: '1M', subject: 'fastPath', options: { hook, ...manyFlows } },
  ];
});

/** What the kernel says of the program itself. */
const fastProgramTrials: Trial[] = [
  { name: 'fast path program 1 flow', subject: 'fastProgram', options: { flows: 1 } },
  { name: 'fast path program 64k flows', subject: 'fastProgram', options: { flows: 64 * K } },
  { name: 'fast path program 1M flows', onDemand: '1M', subject: 'fastProgram', options: manyFlows },
];

export const trials: readonly Trial[] = [
  { name: 'memory established 1 connection', subject: 'memory', options: { connections: 1 } },
  ...establishedTrials,
  ...(
    [
      ['1 connection', 1],
      ['64k', 64 * K],
      ['1M', M],
    ] as const
  ).map(
    ([size, connections]): Trial => ({
      name: `memory told ${size}`,
      subject: 'memory',
      options: { connections, isMaster: true },
    }),
  ),
  ...['gue', 'gre', 'dr'].map(
    (forwarding): Trial => ({
      name: `memory established 64k ${forwarding}`,
      subject: 'memory',
      options: { connections: 64 * K, forwarding },
    }),
  ),
  ...(
    [
      ['64k', 64 * K],
      ['1M', M],
    ] as const
  ).map(
    ([size, connections]): Trial => ({
      name: `memory established ${size} 2 workers`,
      onDemand: 'workers',
      subject: 'memory',
      options: { connections, workers: 2 },
    }),
  ),
  ...stateTrials,
  ...natTrials,
  {
    name: 'memory nat open 1M',
    subject: 'memory',
    options: { workload: 'open', connections: 0, packets: M, forwarding: 'nat', isBesideTunnel: true },
  },
  { name: 'memory open 1M', subject: 'memory', options: { workload: 'open', connections: 0, packets: M } },
  {
    name: 'memory open 1M more beside 1M',
    subject: 'memory',
    options: { workload: 'open', connections: M, packets: M },
  },
  ...(
    [
      ['1M', M],
      ['8M', 8 * M],
    ] as const
  ).map(
    ([size, entries]): Trial => ({
      name: `lookup ${size}`,
      onDemand: 'lookup',
      subject: 'lookup',
      options: { entries },
    }),
  ),
  ...(['syn', 'established', 'talking', 'udp', 'fragments', 'persistent'] as const).map(
    (flood): Trial => ({ name: `attack ${flood}`, onDemand: 'attack', subject: 'attack', options: { flood } }),
  ),
  { name: 'idle resident 1M', onDemand: 'idle', subject: 'idle', options: { connections: M, seconds: 10 } },
  { name: 'device packet', subject: 'device', options: { egress: 'packet', flows: 4 * K, packetBytes: 64 } },
  {
    name: 'device packet without offloads',
    onDemand: 'offloads',
    subject: 'device',
    options: { egress: 'packet', offloads: 'off', flows: 4 * K, packetBytes: 64 },
  },
  ...fastPathTrials,
  ...fastProgramTrials,
  { name: 'device raw', subject: 'device', options: { egress: 'raw', flows: 4 * K, packetBytes: 64 } },
  { name: 'device tun', subject: 'device', options: { egress: 'tun', flows: 4 * K, packetBytes: 64 } },
  {
    name: 'device packet against write-back',
    onDemand: 'write-back',
    subject: 'device',
    options: { egress: 'packet', nullEgress: 'tun', flows: 4 * K, packetBytes: 64 },
  },
  {
    name: 'device packet 256k flows',
    onDemand: '256k',
    subject: 'device',
    options: { egress: 'packet', flows: 256 * K, packetBytes: 64 },
  },
  ...[1, 2].map(
    (queues): Trial => ({
      name: `device packet ${queues} queues`,
      onDemand: 'queues',
      point: { plot: 'queues', series: 'packet', x: queues },
      subject: 'device',
      options: { egress: 'packet', flows: 4 * K, packetBytes: 64, queues },
    }),
  ),
  ...latencyTrials,
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
    name: 'js stats of 10 services with 10 servers',
    subject: 'js',
    options: { call: 'stats', services: 10, serversPerService: 10 },
  },
  {
    name: 'js weight change beside 1000 servers',
    subject: 'js',
    options: { call: 'weight change', services: 10, serversPerService: 100 },
  },
  {
    name: 'js transaction of 100 servers',
    subject: 'js',
    options: { call: 'transaction of 100 servers', services: 1, serversPerService: 1 },
  },
  ...(['parse of 1000 addresses', 'parse of 1000 rules', 'configuration of 100 services'] as const).map(
    (call): Trial => ({ name: `js ${call}`, subject: 'js', options: { call, services: 1, serversPerService: 1 } }),
  ),
  {
    name: 'js metrics of 10 services with 100 servers',
    subject: 'js',
    options: { call: 'metrics', services: 10, serversPerService: 100 },
  },
  ...[1, 10, 100, 1000, 10_000].map(
    (services): Trial => ({
      name: `js weight change among ${services} services`,
      onDemand: 'among',
      point: { plot: 'services', series: 'weight change', x: services },
      subject: 'js',
      options: { call: 'weight change', services, serversPerService: 1 },
    }),
  ),
  ...(['none', 'batch', 'each'] as const).map((decide): Trial => {
    const options = { decide, servers: 16, connections: M, window: 2 * K };
    return { name: `policy ${decide}`, subject: 'policy', options };
  }),
  ...healthTrials,
  ...peerTrials,
  ...natPeerTrials,
  ...fastPeerTrials,
  ...realServerTrials,
  ...bulkTrials,
  ...saturatedBulkTrials,
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
