/**
 * Measures what a director costs that has nothing to do: the CPU time of a Node process that embeds one, with a full
 * table of the default capacity and a TUN device, while no packet comes; and the memory that the process has in RAM.
 * The lab is that of the device trials. UDP packets fill the table, each of a flow of its own.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Lab } from '../../lib/lab/lab.js';
import type { LabHost } from '../../lib/lab/lab-host.js';
import type { LabProcess } from '../../lib/lab/lab-process.js';
import type { Figures, OpenSubject } from '../subject.js';
import { buildLab, flood, PORT, read, startForwarder, TARGETS } from './device.js';
import { cpuNs } from './peers/cpu.js';

export interface IdleTrial {
  /** The director's capacity by default. */
  connections: number;
  /** Watched, once the table is full; less than the timeout of UDP connections. */
  seconds: number;
}

/** A flood is as fast as the generator, and what the director's device has no room for is lost: so it takes several. */
const MOST_FLOODS = 100;
/** A shard is full before all are, as hashes fall unevenly: some flows come beyond the capacity. */
const FULL = 0.99;
const SETTLE_MS = 3000;

export const openIdle: OpenSubject<IdleTrial> = async ({ connections, seconds }, { isQuick }) => {
  const lab = Lab.create();
  try {
    const { generator, director, destinationMac } = await buildLab(lab);
    const forwarder = await startForwarder(director, { kind: 'director', egress: 'packet' });
    return {
      async run(index): Promise<Figures> {
        await fill(generator, forwarder, destinationMac, connections);
        await sleep(SETTLE_MS);
        const before = cpuNs([forwarder.pid]);
        const beganMs = performance.now();
        // The warm-up is short however long the trial is.
        await sleep(1000 * (isQuick || index < 0 ? 2 : seconds));
        const cpuMs = (cpuNs([forwarder.pid]) - before) / 1e6;
        const passedSeconds = (performance.now() - beganMs) / 1000;
        const { connections: live, residentBytes } = await read(forwarder);
        return {
          cpuMsPerSecond: cpuMs / passedSeconds,
          residentMb: residentBytes / 1e6,
          hugePagesMb: hugeBytes(readFileSync(`/proc/${forwarder.pid}/smaps_rollup`, 'utf8')) / 1e6,
          connections: live,
        };
      },
      close: () => lab.dispose(),
    };
  } catch (error) {
    await lab.dispose();
    throw error;
  }
};

/** Sends packets of ever the same flows until the table is full, which also keeps what is there. */
async function fill(generator: LabHost, forwarder: LabProcess, destinationMac: string, wanted: number): Promise<void> {
  for (let floods = 0; floods < MOST_FLOODS; floods++) {
    const { connections, capacity } = await read(forwarder);
    if (capacity !== wanted) throw new Error(`the table has room for ${capacity} connections, not ${wanted}`);
    if (floods > 0 && connections >= FULL * wanted) return;
    await flood(generator, {
      ...{ interfaceName: 'eth0', destinationMac, virtualAddress: TARGETS.director, port: PORT, protocol: 'udp' },
      ...{ flows: Math.ceil(wanted * 1.02), packetBytes: 64, durationMs: 20_000 },
      ...{ maxPackets: Math.ceil(wanted * 1.02), packetsPerSecond: 300_000 },
    });
  }
  throw new Error(`the table was not full after ${MOST_FLOODS} floods, so the run does not count`);
}

/** proc_pid_smaps(5), in its sum. */
export function hugeBytes(smaps: string): number {
  const [, kibibytes] = /^AnonHugePages:\s+(\d+) kB$/m.exec(smaps) ?? [];
  if (kibibytes === undefined) throw new Error('the kernel does not say how much memory is in huge pages');
  return Number(kibibytes) * 1024;
}
