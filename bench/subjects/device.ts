/**
 * Measures the director on a device, side by side with the null loop. Both exist all the time, each with a TUN device
 * and a virtual address of its own; the generator sends to one and the other in turn, and the one without traffic
 * sleeps.
 *
 *     generator 10.1.0.2 ─── 10.1.0.1 ┌──────────┐ 10.2.0.2 ─── sink
 *        CPU 0                        │ director │              (drops what comes: the address
 *                                     │ null loop│               of the frames is not its own)
 *                                     └──────────┘ last CPU
 */
import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import type { FastPathChoice } from '../../lib/index.js';
import { Lab } from '../../lib/lab/lab.js';
import type { LabHost } from '../../lib/lab/lab-host.js';
import type { LabProcess } from '../../lib/lab/lab-process.js';
import type { ForwarderOptions, ForwarderReadings } from '../programs/forwarder.js';
import type { Figures, OpenSubject } from '../subject.js';
import type { FloodOptions } from '../native-bench.js';

export interface DeviceTrial {
  egress: 'packet' | 'raw' | 'tun';
  /** The null loop's egress, where it is not the director's. */
  nullEgress?: DeviceTrial['egress'];
  /** The director's; 'auto' unless given. The null loop has none. */
  offloads?: 'auto' | 'off';
  flows: number;
  packetBytes: number;
  /** [1, 64]; 1 unless given. With more, the forwarder may run on every CPU. */
  queues?: number;
}

const SOURCE = '10.2.0.2';
export const SERVER = '10.2.0.11';
export const PORT = 5000;
export const TARGETS = { director: '10.9.9.9', null: '10.9.9.8' } as const;
/** When idle, the worker has read its own CPU time at most 100 ms ago. */
export const SETTLE_MS = 300;

export type Target = keyof typeof TARGETS;

export const openDevice: OpenSubject<DeviceTrial> = async (
  { egress, nullEgress = egress, offloads, flows, packetBytes, queues = 1 },
  { isQuick },
) => {
  const lab = Lab.create();
  try {
    const { generator, director, destinationMac } = await buildLab(lab);
    const forwarders = {
      director: await startForwarder(director, { kind: 'director', egress, offloads, queues }),
      null: await startForwarder(director, { kind: 'null', egress: nullEgress, queues }),
    };
    const durationMs = isQuick ? 500 : 2000;
    const measure = async (target: Target): Promise<Measured> => {
      const before = await read(forwarders[target]);
      const sent = await flood(generator, {
        interfaceName: 'eth0',
        destinationMac,
        virtualAddress: TARGETS[target],
        port: PORT,
        flows,
        packetBytes,
        durationMs,
        maxPackets: 2 ** 30,
        protocol: 'udp',
        packetsPerSecond: 0,
      });
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
      return measured(before, await read(forwarders[target]), sent);
    };
    return {
      async run(index) {
        // The order is A B, B A, A B, ..., so that drift affects both alike.
        const order: Target[] = index % 2 === 0 ? ['director', 'null'] : ['null', 'director'];
        const runs = {} as Record<Target, Measured>;
        for (const target of order) runs[target] = await measure(target);
        return figures(runs.director, runs.null);
      },
      close: () => lab.dispose(),
    };
  } catch (error) {
    await lab.dispose();
    throw error;
  }
};

export interface Measured {
  packetsPerSecond: number;
  userNsPerPacket: number;
  systemNsPerPacket: number;
  offeredPerSecond: number;
}

export function measured(
  before: ForwarderReadings,
  after: ForwarderReadings,
  sent: { packets: number; ns: number },
): Measured {
  const packets = after.sent - before.sent;
  if (packets === 0) throw new Error('nothing was forwarded, so the run does not count');
  return {
    packetsPerSecond: (packets * 1e9) / sent.ns,
    userNsPerPacket: (after.userNs - before.userNs) / packets,
    systemNsPerPacket: (after.systemNs - before.systemNs) / packets,
    offeredPerSecond: (sent.packets * 1e9) / sent.ns,
  };
}

function figures(director: Measured, nullLoop: Measured): Figures {
  const cpu = (one: Measured) => one.userNsPerPacket + one.systemNsPerPacket;
  return {
    ratioToNullLoop: director.packetsPerSecond / nullLoop.packetsPerSecond,
    directorPacketsPerSecond: director.packetsPerSecond,
    nullLoopPacketsPerSecond: nullLoop.packetsPerSecond,
    offeredPerSecond: director.offeredPerSecond,
    directorCpuNsPerPacket: cpu(director),
    directorUserNsPerPacket: director.userNsPerPacket,
    directorSystemNsPerPacket: director.systemNsPerPacket,
    nullLoopCpuNsPerPacket: cpu(nullLoop),
    nullLoopUserNsPerPacket: nullLoop.userNsPerPacket,
    nullLoopSystemNsPerPacket: nullLoop.systemNsPerPacket,
  };
}

export async function buildLab(
  lab: Lab,
): Promise<{ generator: LabHost; director: LabHost; sink: LabHost; destinationMac: string }> {
  const generator = await lab.addHost('generator');
  const director = await lab.addHost('director');
  const sink = await lab.addHost('sink');
  for (const host of [director, sink]) {
    await host.setSysctls({ 'net/ipv4/conf/all/rp_filter': '0', 'net/ipv4/conf/default/rp_filter': '0' });
  }
  lab.connect(generator, 'eth0', director, 'in');
  lab.connect(director, 'out', sink, 'eth0');
  generator.ip(['address add 10.1.0.2/24 dev eth0']);
  director.ip([
    'address add 10.1.0.1/24 dev in',
    `address add ${SOURCE}/24 dev out`,
    // The address is nobody's, so the sink's link layer drops these frames, which costs least.
    `neigh replace ${SERVER} lladdr 02:00:00:00:00:0b dev out nud permanent`,
  ]);
  const { stdout } = await director.exec(['cat', '/sys/class/net/in/address']);
  return { generator, director, sink, destinationMac: stdout.trim() };
}

/** Runs it on one CPU, so that generator and forwarder do not share one. */
export function pinned(cpu: number, argv: readonly string[]): string[] {
  return availableParallelism() > 1 && hasTaskset() ? ['taskset', '-c', `${cpu}`, ...argv] : [...argv];
}

function hasTaskset(): boolean {
  try {
    execFileSync('taskset', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/**
 * Runs it before whatever else wants its CPU, where that is allowed. A program of the lab is a session of its own, and
 * the scheduler shares the CPU among sessions first where it groups them (sched(7)).
 */
export function preferred(argv: readonly string[]): string[] {
  return ['sh', '-c', 'echo -20 2>/dev/null >/proc/self/autogroup; exec nice -n -20 "$@"', 'sh', ...argv];
}

export function program(name: string): string {
  return new URL(`../programs/${name}.js`, import.meta.url).pathname;
}

export async function startForwarder(
  host: LabHost,
  {
    kind,
    egress,
    queues = 1,
    isPreferred = false,
    ...more
  }: Pick<DeviceTrial, 'offloads' | 'queues'> & {
    kind: Target;
    egress: string;
    busyPollUs?: number;
    isPreferred?: boolean;
    control?: string;
    fastPath?: FastPathChoice;
    rings?: string[];
    maxConnections?: number;
  },
): Promise<LabProcess> {
  const options: ForwarderOptions = {
    ...more,
    kind,
    queues,
    device: kind === 'director' ? 'tunvs0' : 'null0',
    egress: egress as ForwarderOptions['egress'],
    source: SOURCE,
    server: SERVER,
    virtualAddress: TARGETS[kind],
    port: PORT,
  };
  const plain = [process.execPath, program('forwarder'), JSON.stringify(options)];
  const argv = isPreferred ? preferred(plain) : plain;
  const child = host.spawn(queues > 1 ? argv : pinned(availableParallelism() - 1, argv));
  await child.line((line) => line === 'ready');
  return child;
}

let readings = 0;

export async function read(forwarder: LabProcess): Promise<ForwarderReadings> {
  const id = `reading-${++readings} `;
  forwarder.writeLine(id.trim());
  const line = await forwarder.line((each) => each.startsWith(id));
  return JSON.parse(line.slice(id.length)) as ForwarderReadings;
}

export async function flood(
  host: LabHost,
  options: FloodOptions,
  isPreferred = false,
): Promise<{ packets: number; ns: number; startCpuNs: number }> {
  const plain = [process.execPath, program('generator'), JSON.stringify(options)];
  const argv = pinned(0, isPreferred ? preferred(plain) : plain);
  const { stdout } = await host.exec(argv, { timeoutMs: options.durationMs + 20_000 });
  return JSON.parse(stdout) as { packets: number; ns: number; startCpuNs: number };
}
