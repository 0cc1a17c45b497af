/**
 * Measures the latency that the director adds at half load, beside plain kernel forwarding through the same hosts. The
 * lab is that of the device trials; its router forwards to a second address by a route of its own, past the director.
 *
 * A flood first says which rate the director sustains. Half of it is then sent at an even pace to the director and to
 * the route in turn, one packet at a time. One program sends, and sees the frames come in at the sink: it spins on a
 * CPU of its own and never sleeps, so neither its timer nor its waking is measured. A packet's delay begins with the
 * call that sends it. The kernel forwards within that call: there is no interrupt, and nobody to wake up, which is the
 * best that plain forwarding can do. The director has the other CPU, and its worker is of the real-time class, as what
 * the kernel does goes before programs, too.
 *
 * Turns are short, and a figure is the median of the turns', so what others do on the machine now and then is not in
 * it; the worst turn's p99 is given beside it.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { availableParallelism } from 'node:os';
import type { FastPathChoice } from '../../lib/index.js';
import { Lab } from '../../lib/lab/lab.js';
import type { LabHost } from '../../lib/lab/lab-host.js';
import type { Delays, Quantiles } from '../native-bench.js';
import type { DelayMeterOptions } from '../programs/delay-meter.js';
import { median } from '../statistics.js';
import type { Figures, OpenSubject } from '../subject.js';
import {
  buildLab,
  type DeviceTrial,
  flood,
  type Measured,
  measured,
  PORT,
  pinned,
  preferred,
  program,
  read,
  SERVER,
  SETTLE_MS,
  startForwarder,
  TARGETS,
} from './device.js';

export interface LatencyTrial {
  egress: DeviceTrial['egress'];
  /** The director's; left to the worker unless given. */
  busyPollUs?: number;
  /** The director's; 'off' unless given. */
  fastPath?: FastPathChoice;
  /** The worker waits for its CPU as other programs do. */
  isShared?: boolean;
  flows: number;
  packetBytes: number;
}

/** One turn: what was measured to each. */
export interface Turn {
  director: Delays;
  kernel: Delays;
}

const LOAD = 0.5;
const TURNS = 10;
/** A run does not count in whose median turn more is lost: a director that drops is not at half load. */
const MOST_LOST = 0.001;
const ROUTED = TARGETS.null;

export const openLatency: OpenSubject<LatencyTrial> = async (
  { egress, busyPollUs, fastPath, isShared = false, flows, packetBytes },
  { isQuick },
) => {
  if (availableParallelism() < 2) throw new Error('a latency trial needs two CPUs: one sends, and one forwards');
  const lab = Lab.create();
  try {
    const { generator, director, sink, destinationMac } = await buildLab(lab);
    await director.setSysctls({ 'net/ipv4/ip_forward': '1' });
    director.ip([`route add ${ROUTED} via ${SERVER} dev out`]);
    const forwarder = await startForwarder(director, {
      ...{ kind: 'director', egress, busyPollUs, fastPath, isPreferred: true },
    });
    if (!isShared) preferWorkers(forwarder.pid);
    const packets = { interfaceName: 'eth0', destinationMac, port: PORT, flows, packetBytes };
    const calibrate = async (durationMs: number): Promise<Measured> => {
      const before = await read(forwarder);
      const options = { ...packets, durationMs, virtualAddress: TARGETS.director, maxPackets: 2 ** 30 };
      const sent = await flood(generator, { ...options, protocol: 'udp', packetsPerSecond: 0 }, true);
      await sleep(SETTLE_MS);
      return measured(before, await read(forwarder), sent);
    };
    // The first flood opens the connections.
    await calibrate(500);
    const { packetsPerSecond: sustained, offeredPerSecond } = await calibrate(isQuick ? 500 : 2000);
    const packetsPerSecond = Math.round(sustained * LOAD);
    return {
      notes: [
        `half load is ${packetsPerSecond} packets/s: of ${Math.round(offeredPerSecond)} that a flood sent, the ` +
          `director forwarded ${Math.round(sustained)}`,
      ],
      async run(): Promise<Figures> {
        const before = await read(forwarder);
        const turns = await measureTurns(generator, {
          ...{ ...packets, packetsPerSecond, durationMs: isQuick ? 100 : 400, turns: TURNS },
          ...{ receiverNamespace: `/run/netns/${sink.namespace}`, receiverInterface: 'eth0' },
        });
        await sleep(SETTLE_MS);
        const after = await read(forwarder);
        const cpuNs = after.userNs + after.systemNs - before.userNs - before.systemNs;
        const busyNs = turns.reduce((sum, turn) => sum + turn.director.ns, 0);
        return {
          ...latencyFigures(turns),
          directorCpuShare: cpuNs / busyNs,
          packetsPerSecond: median(turns.map(({ director: { sent, ns } }) => (sent * 1e9) / ns)),
          sustainedPacketsPerSecond: sustained,
        };
      },
      close: () => lab.dispose(),
    };
  } catch (error) {
    await lab.dispose();
    throw error;
  }
};

/**
 * Lets workers interrupt all programs, as the kernel's own forwarding does: there is no CPU here that others leave alone,
 * and who has to wait for one waits for milliseconds.
 */
function preferWorkers(pid: number): void {
  const threads = readdirSync(`/proc/${pid}/task`);
  const isWorker = (thread: string) =>
    /^tunvs\/\d+$/.test(readFileSync(`/proc/${pid}/task/${thread}/comm`, 'utf8').trim());
  for (const thread of threads.filter(isWorker)) execFileSync('chrt', ['--fifo', '--pid', '10', thread]);
}

async function measureTurns(host: LabHost, options: Omit<DelayMeterOptions, 'virtualAddresses'>): Promise<Turn[]> {
  const virtualAddresses = [TARGETS.director, ROUTED];
  const argument = JSON.stringify({ ...options, virtualAddresses } satisfies DelayMeterOptions);
  const argv = pinned(0, preferred([process.execPath, program('delay-meter'), argument]));
  const timeoutMs = 2 * options.turns * options.durationMs + 20_000;
  const { stdout } = await host.exec(argv, { timeoutMs });
  const turns = JSON.parse(stdout) as [Delays, Delays][];
  return turns.map(([director, kernel]) => ({ director, kernel }));
}

/** The quantiles of both in the median turn, and how much the director's are above the kernel's. */
export function latencyFigures(turns: readonly Turn[]): Figures {
  const shareLost = ({ sent, received }: Delays) => (sent - received) / sent;
  const lost = {
    director: median(turns.map((turn) => shareLost(turn.director))),
    kernel: median(turns.map((turn) => shareLost(turn.kernel))),
  };
  for (const [name, share] of Object.entries(lost))
    if (!(share <= MOST_LOST))
      throw new Error(`${100 * share} % of the packets by the ${name} were lost, so the run does not count`);
  const us = (of: (turn: Turn) => number) => turns.map((turn) => of(turn) / 1000);
  const quantiles = (prefix: string, of: (turn: Turn, name: keyof Quantiles) => number): Figures => ({
    [`${prefix}P50Us`]: median(us((turn) => of(turn, 'p50'))),
    [`${prefix}P99Us`]: median(us((turn) => of(turn, 'p99'))),
    [`${prefix}P999Us`]: median(us((turn) => of(turn, 'p999'))),
  });
  return {
    ...quantiles('added', ({ director, kernel }, name) => director.delaysNs[name] - kernel.delaysNs[name]),
    ...quantiles('director', ({ director }, name) => director.delaysNs[name]),
    ...quantiles('kernel', ({ kernel }, name) => kernel.delaysNs[name]),
    directorWorstP99Us: Math.max(...us(({ director }) => director.delaysNs.p99)),
    kernelWorstP99Us: Math.max(...us(({ kernel }) => kernel.delaysNs.p99)),
    directorSentLateP99Us: median(us(({ director }) => director.latenessNs.p99)),
    kernelSentLateP99Us: median(us(({ kernel }) => kernel.latenessNs.p99)),
    directorLostShare: lost.director,
  };
}
