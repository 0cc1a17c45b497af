/**
 * Measures what a packet costs by the fast path, or by a ring, and by the null loop, on one host and in turn. Both work
 * wherever the packet comes in, so their CPU time is not a worker's: the whole machine's is read, and what the
 * generator, both links and the receiver take is taken off. That is measured too, by a program in the kernel that sends
 * packets on with nothing done to them.
 *
 *     generator ─── in ┌───────────┐ out ─── sink
 *                      │ director  │
 *                      │ null loop │
 *                      │ redirect  │
 *                      └───────────┘
 */
import type { LabHost } from '../../lib/lab/lab-host.js';
import type { LabProcess } from '../../lib/lab/lab-process.js';
import { Lab } from '../../lib/lab/lab.js';
import type { Figures, OpenSubject } from '../subject.js';
import { busyNs } from './busy.js';
import { buildLab, flood, PORT, program, read, SETTLE_MS, startForwarder, TARGETS, type Target } from './device.js';

export interface FastPathTrial {
  /** What spares packets the way through the device: the program at its egress, or at the link's ingress, or a ring. */
  hook: 'egress' | 'ingress' | 'ring';
  flows: number;
  /** How often each flow is sent a packet before anything is measured, on average. */
  warmUpRounds?: number;
  /** So slow that the workers see an empty queue between: under load they hand a flow over at its 16th packet. */
  warmUpPacketsPerSecond?: number;
}

export const FAST_PATH_PACKET_BYTES = 64;
/** As much as the generator takes. */
const LONGEST_FLOOD_MS = 60_000;
const REDIRECTED = '10.9.9.7';

type Way = Target | 'redirect';
const WAYS = ['director', 'null', 'redirect'] as const;

interface Cost {
  packetsPerSecond: number;
  nsPerPacket: number;
}

/** Starts a director by whose fast path or ring packets go, and gives each flow its connection. */
export async function startWarm(
  lab: { generator: LabHost; director: LabHost; destinationMac: string },
  { hook, flows, warmUpRounds = 20, warmUpPacketsPerSecond: rate = 150_000 }: FastPathTrial,
): Promise<LabProcess> {
  const forwarder = await startForwarder(lab.director, {
    kind: 'director',
    egress: 'packet',
    ...(hook === 'ring' ? { rings: ['in'] } : { fastPath: hook === 'egress' ? 'egress' : 'ingress:in' }),
    maxConnections: Math.max(2 ** 16, 2 * flows),
  });
  for (let leftMs = Math.max(1000, (flows * warmUpRounds * 1000) / rate); leftMs > 0; leftMs -= LONGEST_FLOOD_MS) {
    await flood(lab.generator, {
      ...{ interfaceName: 'eth0', destinationMac: lab.destinationMac, virtualAddress: TARGETS.director, port: PORT },
      ...{ flows, packetBytes: FAST_PATH_PACKET_BYTES, maxPackets: 2 ** 30, protocol: 'udp', packetsPerSecond: rate },
      durationMs: Math.ceil(Math.min(leftMs, LONGEST_FLOOD_MS)),
    });
  }
  return forwarder;
}

export const openFastPath: OpenSubject<FastPathTrial> = async (options, { isQuick }) => {
  const lab = Lab.create();
  try {
    const built = await buildLab(lab);
    const { generator, director, destinationMac } = built;
    const forwarders: Record<Way, LabProcess> = {
      director: await startWarm(built, options),
      null: await startForwarder(director, { kind: 'null', egress: 'packet' }),
      redirect: await startRedirector(director),
    };
    const addresses: Record<Way, string> = { ...TARGETS, redirect: REDIRECTED };
    const durationMs = isQuick ? 500 : 2000;
    /** Counts what was sent on: what was dropped on the way cost less. */
    const measure = async (way: Way): Promise<Cost> => {
      const before = (await read(forwarders[way])).sent;
      const busy = busyNs();
      const sent = await flood(generator, {
        ...{ interfaceName: 'eth0', destinationMac, virtualAddress: addresses[way], port: PORT, flows: options.flows },
        ...{ packetBytes: FAST_PATH_PACKET_BYTES, maxPackets: 2 ** 30, protocol: 'udp' },
        ...{ durationMs, packetsPerSecond: 0 },
      });
      const busyMeanwhile = busyNs() - busy - sent.startCpuNs;
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
      const packets = (await read(forwarders[way])).sent - before;
      return { packetsPerSecond: (packets * 1e9) / sent.ns, nsPerPacket: busyMeanwhile / packets };
    };
    return {
      async run(index) {
        const order = index % 2 === 0 ? WAYS : WAYS.toReversed();
        const costs = {} as Record<Way, Cost>;
        const before = await read(forwarders.director);
        for (const way of order) costs[way] = await measure(way);
        const after = await read(forwarders.director);
        return figures(options.hook, costs, (after.fast - before.fast) / (after.sent - before.sent));
      },
      close: () => lab.dispose(),
    };
  } catch (error) {
    await lab.dispose();
    throw error;
  }
};

/** Redirects packets for an address to which nothing else is sent. */
export async function startRedirector(host: LabHost): Promise<LabProcess> {
  const options = { from: 'in', to: 'out', address: REDIRECTED };
  const child = host.spawn([process.execPath, program('redirector'), JSON.stringify(options)]);
  await child.line((line) => line === 'ready');
  return child;
}

function figures(hook: FastPathTrial['hook'], costs: Record<Way, Cost>, fastPart: number): Figures {
  const net = (way: Target) => costs[way].nsPerPacket - costs.redirect.nsPerPacket;
  const name = hook === 'ring' ? 'ring' : 'fastPath';
  return {
    ratioOfCost: net('null') / net('director'),
    [`${name}NetNsPerPacket`]: net('director'),
    nullLoopNetNsPerPacket: net('null'),
    redirectNsPerPacket: costs.redirect.nsPerPacket,
    [`${name}PacketsPerSecond`]: costs.director.packetsPerSecond,
    nullLoopPacketsPerSecond: costs.null.packetsPerSecond,
    ...(hook !== 'ring' && { fastPart }),
  };
}
