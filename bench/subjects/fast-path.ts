/**
 * Measures what a packet costs by the fast path and by the null loop, on one host and in turn. The fast path works
 * wherever the packet comes in, so its CPU time is not a worker's: the whole machine's is read, and what the generator,
 * the last link and the receiver take is taken off. That is measured too, by a link from the generator to the sink.
 *
 *     generator ─── in ┌──────────┐ out ─── sink
 *        │             │ director │          │
 *        │             │ null loop│          │
 *        │             └──────────┘          │
 *        └──────────── direct ───────────────┘
 */
import { readFileSync } from 'node:fs';
import { Lab } from '../../lib/lab/lab.js';
import type { Figures, OpenSubject } from '../subject.js';
import { buildLab, flood, PORT, read, SETTLE_MS, startForwarder, TARGETS, type Target } from './device.js';

export interface FastPathTrial {
  /** Where the program is: at the egress of the director's device, or at the ingress of the link as well. */
  hook: 'egress' | 'ingress';
  flows: number;
  /** How often each flow is sent a packet before anything is measured, on average. */
  warmUpRounds?: number;
  /** So slow that the workers see an empty queue between: under load they hand a flow over at its 16th packet. */
  warmUpPacketsPerSecond?: number;
}

const PACKET_BYTES = 64;
const NS_PER_TICK = 1e9 / 100; // USER_HZ

/** The CPU time of the machine that was not idle, nanoseconds since it started. */
function busyNs(): number {
  const [, ...fields] = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0]?.trim().split(/\s+/) ?? [];
  const ticks = fields.slice(0, 8).map(Number);
  const [idle = 0, waiting = 0] = ticks.slice(3, 5);
  return (ticks.reduce((sum, each) => sum + each, 0) - idle - waiting) * NS_PER_TICK;
}

interface Way {
  interfaceName: string;
  destinationMac: string;
  virtualAddress: string;
}

interface Cost {
  packetsPerSecond: number;
  nsPerPacket: number;
}

export const openFastPath: OpenSubject<FastPathTrial> = async (
  { hook, flows, warmUpRounds = 20, warmUpPacketsPerSecond: rate = 150_000 },
  { isQuick },
) => {
  const lab = Lab.create();
  try {
    const { generator, director, sink, destinationMac } = await buildLab(lab);
    lab.connect(generator, 'direct', sink, 'direct');
    const forwarders = {
      director: await startForwarder(director, {
        kind: 'director',
        egress: 'packet',
        fastPath: hook === 'egress' ? 'egress' : 'ingress:in',
        maxConnections: Math.max(2 ** 16, 2 * flows),
      }),
      null: await startForwarder(director, { kind: 'null', egress: 'packet' }),
    };
    const ways: Record<Target | 'direct', Way> = {
      director: { interfaceName: 'eth0', destinationMac, virtualAddress: TARGETS.director },
      null: { interfaceName: 'eth0', destinationMac, virtualAddress: TARGETS.null },
      direct: { interfaceName: 'direct', destinationMac: '02:00:00:00:00:0b', virtualAddress: TARGETS.null },
    };
    const send = (way: Way, more: { durationMs: number; packetsPerSecond: number }) =>
      flood(generator, {
        ...{ ...way, ...more, port: PORT, flows, packetBytes: PACKET_BYTES, maxPackets: 2 ** 30, protocol: 'udp' },
      });
    const warmUpMs = Math.max(1000, Math.ceil((flows * warmUpRounds * 1000) / rate));
    await send(ways.director, { durationMs: warmUpMs, packetsPerSecond: rate });

    const durationMs = isQuick ? 500 : 2000;
    /** Counts what arrived behind the target: what was dropped on the way cost less. */
    const measure = async (name: keyof typeof ways): Promise<Cost> => {
      const target = name === 'direct' ? undefined : forwarders[name];
      const before = target && (await read(target)).sent;
      const busy = busyNs();
      const sent = await send(ways[name], { durationMs, packetsPerSecond: 0 });
      const busyMeanwhile = busyNs() - busy - sent.startCpuNs;
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
      const packets = target && before !== undefined ? (await read(target)).sent - before : sent.packets;
      return { packetsPerSecond: (packets * 1e9) / sent.ns, nsPerPacket: busyMeanwhile / packets };
    };
    return {
      async run(index) {
        const names = ['director', 'null', 'direct'] as const;
        const order = index % 2 === 0 ? names : names.toReversed();
        const costs = {} as Record<(typeof names)[number], Cost>;
        const before = await read(forwarders.director);
        for (const name of order) costs[name] = await measure(name);
        const after = await read(forwarders.director);
        return figures(costs, (after.fast - before.fast) / (after.sent - before.sent));
      },
      close: () => lab.dispose(),
    };
  } catch (error) {
    await lab.dispose();
    throw error;
  }
};

function figures(costs: Record<Target | 'direct', Cost>, fastPart: number): Figures {
  const net = (name: Target) => costs[name].nsPerPacket - costs.direct.nsPerPacket;
  return {
    ratioOfCost: net('null') / net('director'),
    fastPathNetNsPerPacket: net('director'),
    nullLoopNetNsPerPacket: net('null'),
    directNsPerPacket: costs.direct.nsPerPacket,
    fastPathPacketsPerSecond: costs.director.packetsPerSecond,
    nullLoopPacketsPerSecond: costs.null.packetsPerSecond,
    fastPart,
  };
}
