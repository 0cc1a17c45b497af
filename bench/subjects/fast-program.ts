/**
 * Measures how long the fast path's program takes for a packet that it sends on, and for one of no connection, which it
 * leaves to the engine: the kernel times it. What the timing itself takes is that of a program that does next to nothing.
 */
import { Lab } from '../../lib/lab/lab.js';
import { nativeBench } from '../native-bench.js';
import type { OpenSubject } from '../subject.js';
import { buildLab, flood, PORT, TARGETS } from './device.js';
import { FAST_PATH_PACKET_BYTES, startRedirector, startWarm } from './fast-path.js';

export interface FastProgramTrial {
  flows: number;
  warmUpRounds?: number;
  warmUpPacketsPerSecond?: number;
}

/** The director has no service there. */
const NOBODYS_PORT = PORT + 1;

export const openFastProgram: OpenSubject<FastProgramTrial> = async (options, { isQuick }) => {
  const lab = Lab.create();
  try {
    const built = await buildLab(lab);
    await startWarm(built, { ...options, hook: 'egress' });
    await startRedirector(built.director);
    const names = ['tunvs_fast_path', 'tunvs_redirect'] as const;
    const times = () => names.map((name) => nativeBench.programTime(name));
    times();
    const measure = async (port: number): Promise<number> => {
      const before = times();
      await flood(built.generator, {
        ...{ interfaceName: 'eth0', destinationMac: built.destinationMac, virtualAddress: TARGETS.director, port },
        ...{ flows: options.flows, packetBytes: FAST_PATH_PACKET_BYTES, maxPackets: 2 ** 30, protocol: 'udp' },
        ...{ durationMs: isQuick ? 500 : 2000, packetsPerSecond: 0 },
      });
      const [program = 0, timing = 0] = times().map(({ ns, runs }, index) => {
        const earlier = before[index] ?? { ns: 0, runs: 0 };
        return (ns - earlier.ns) / (runs - earlier.runs);
      });
      return program - timing;
    };
    return {
      async run() {
        return { programNsPerPacket: await measure(PORT), programNsPerUnknownPacket: await measure(NOBODYS_PORT) };
      },
      close: () => lab.dispose(),
    };
  } catch (error) {
    await lab.dispose();
    throw error;
  }
};
