/**
 * Measures what a byte costs a director that always has something to do: one sender floods each director in turn with
 * datagrams that its kernel leaves uncut, as a card would that merges what it receives. Only the CPU time of the
 * director's program counts. Behind it, either the device takes packets that are still to be cut, as a card does, or
 * the kernel cuts them in the time of the director.
 *
 *     generator 10.1.0.2 ─── 10.1.0.1 director 10.2.0.2 ─── sink (drops what comes)
 *         CPU 0                       last CPU
 */
import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { DirectorCommand } from '../../lib/lab/commands.js';
import { Lab } from '../../lib/lab/lab.js';
import type { LabHost } from '../../lib/lab/lab-host.js';
import { labRules } from '../../lib/lab/rules.js';
import type { Figures, OpenSubject } from '../subject.js';
import { buildLab, pinned, PORT, SETTLE_MS } from './device.js';
import { cpuNs } from './peers/cpu.js';
import { missingPrograms } from './peers/programs.js';

export interface BulkTrial {
  /** Who cuts what the director sends uncut. */
  cutBy: 'card' | 'kernel';
}

export interface Way {
  offloads: 'auto' | 'off';
  /** As ipvsadm takes it. */
  forwarding: string;
}

/** The first is what the others are compared with. */
export const ways = {
  gue: { offloads: 'auto', forwarding: '-i --tun-type gue --tun-port 6080 --tun-csum' },
  ipip: { offloads: 'auto', forwarding: '-i' },
  gueNoOffloads: { offloads: 'off', forwarding: '-i --tun-type gue --tun-port 6080 --tun-csum' },
  ipipNoOffloads: { offloads: 'off', forwarding: '-i' },
} as const satisfies Record<string, Way>;

export type WayName = keyof typeof ways;

const SOURCE = '10.2.0.2';
const SERVER = '10.2.0.11';
const DATAGRAM_BYTES = 1400;
/** Fits into 64 KiB with the headers of each. */
const DATAGRAMS = 44;

/** Node has no word for UDP_SEGMENT (udp(7)), option 103 of a UDP socket. */
const FLOOD = `
import socket, sys, time
out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
out.setsockopt(socket.IPPROTO_UDP, 103, ${DATAGRAM_BYTES})
out.connect((sys.argv[1], ${PORT}))
end = time.monotonic() + float(sys.argv[2])
while time.monotonic() < end:
    try:
        out.send(bytes(${DATAGRAMS * DATAGRAM_BYTES}))
    except OSError:
        pass
`;

interface Entrant {
  name: WayName;
  address: string;
  pid: number;
}

export interface Carried {
  cpuNs: number;
  bytes: number;
  seconds: number;
}

export const openBulk: OpenSubject<BulkTrial> = async ({ cutBy }, { isQuick }) => {
  const missing = missingPrograms({ python3: 'python3', ethtool: 'ethtool', taskset: 'util-linux' });
  if (missing) throw new Error(missing);
  const lab = Lab.create();
  try {
    const { generator, director } = await buildLab(lab);
    await director.setSysctls({ 'net/ipv4/ip_forward': '1' });
    if (cutBy === 'kernel') await director.exec(['ethtool', '-K', 'out', 'tx', 'off']);
    generator.ip(['route add 10.9.9.0/24 via 10.1.0.1']);
    const entrants: Entrant[] = [];
    for (const name of Object.keys(ways) as WayName[])
      entrants.push(await startDirector(director, name, entrants.length));
    const seconds = isQuick ? 0.5 : 2;
    return {
      notes: entrants.map(
        ({ name }) => `${name}: tunvs run, offloads ${ways[name].offloads}, ${ways[name].forwarding}`,
      ),
      async run(index) {
        // Every other run goes backwards, so that drift affects all alike.
        const order = index % 2 === 0 ? entrants : entrants.toReversed();
        const carried = new Map<WayName, Carried>();
        for (const entrant of order) carried.set(entrant.name, await measure(generator, director, entrant, seconds));
        return bulkFigures(carried);
      },
      close: () => lab.dispose(),
    };
  } catch (error) {
    await lab.dispose();
    throw error;
  }
};

async function startDirector(director: LabHost, name: WayName, index: number): Promise<Entrant> {
  const address = `10.9.9.${index + 1}`;
  const { offloads, forwarding } = ways[name];
  const servers = [{ address: SERVER, forwarding }];
  const command = await DirectorCommand.start(director, {
    rules: labRules(address, [{ protocol: 'udp', port: PORT, scheduler: 'rr', servers }]),
    ...{ source: SOURCE, queues: 1, egress: 'packet', offloads, name: `tunvs${index}`, device: `tunvs${index}` },
  });
  const { pid } = command.process;
  // All its threads share the CPU that the generator leaves to them.
  if (availableParallelism() > 1) await director.exec(['taskset', '-acp', `${availableParallelism() - 1}`, `${pid}`]);
  return { name, address, pid };
}

async function measure(generator: LabHost, director: LabHost, entrant: Entrant, seconds: number): Promise<Carried> {
  const before = { cpuNs: cpuNs([entrant.pid]), bytes: await sentBytes(director) };
  await generator.exec(pinned(0, ['python3', '-c', FLOOD, entrant.address, `${seconds}`]));
  // What is in the director's queue is sent too.
  await delay(SETTLE_MS);
  const bytes = (await sentBytes(director)) - before.bytes;
  if (bytes === 0) throw new Error(`nothing was forwarded by ${entrant.name}, so the run does not count`);
  return { cpuNs: cpuNs([entrant.pid]) - before.cpuNs, bytes, seconds };
}

async function sentBytes(director: LabHost): Promise<number> {
  const counters = await director.deviceCounters('out');
  if (!counters) throw new Error('the director has no device out');
  return Number(counters.sentBytes);
}

export function bulkFigures(carried: ReadonlyMap<WayName, Carried>): Figures {
  const nsPerKilobyte = ({ cpuNs: ns, bytes }: Carried) => (ns * 1024) / bytes;
  const all: Figures = {};
  for (const [name, one] of [...carried].toSorted(([a], [b]) => rank(a) - rank(b))) {
    all[`${name}CpuNsPerKilobyte`] = nsPerKilobyte(one);
    all[`${name}MegabytesPerSecond`] = one.bytes / 1e6 / one.seconds;
    const gue = carried.get('gue');
    if (gue && name !== 'gue') all[`${name}TimesCpuOfGue`] = nsPerKilobyte(one) / nsPerKilobyte(gue);
  }
  return all;
}

function rank(name: WayName): number {
  return Object.keys(ways).indexOf(name);
}
