/**
 * Measures how long the fast path's program takes for a packet that it sends on, and for one of no connection, which it
 * leaves to the engine: the kernel times it. A run takes some 20 ns more for that, which are not taken off.
 */
import { Lab } from '../../lib/lab/lab.js';
import { nativeBench } from '../native-bench.js';
import type { OpenSubject } from '../subject.js';
import { buildLab, flood, PORT, TARGETS } from './device.js';
import { FAST_PATH_PACKET_BYTES, startWarm } from './fast-path.js';

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
    nativeBench.fastPathTime();
    const measure = async (port: number): Promise<number> => {
      const before = nativeBench.fastPathTime();
      await flood(built.generator, {
        ...{ interfaceName: 'eth0', destinationMac: built.destinationMac, virtualAddress: TARGETS.director, port },
        ...{ flows: options.flows, packetBytes: FAST_PATH_PACKET_BYTES, maxPackets: 2 ** 30, protocol: 'udp' },
        ...{ durationMs: isQuick ? 500 : 2000, packetsPerSecond: 0 },
      });
      const after = nativeBench.fastPathTime();
      return (after.ns - before.ns) / (after.runs - before.runs);
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
