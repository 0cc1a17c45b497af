/** Measures a flood under spoofed addresses in memory: what it costs existing connections, and clients that come. */
import { type AttackOptions, nativeBench } from '../native-bench.js';
import type { Figures, OpenSubject } from '../subject.js';

export type AttackTrial = Partial<AttackOptions> & Pick<AttackOptions, 'flood'>;

const DEFAULTS = {
  capacity: 2 ** 20,
  established: 500_000,
  newPerSecond: 2000,
  floodFactor: 10,
} as const;

export const openAttack: OpenSubject<AttackTrial> = async (options, { isQuick }) => ({
  async run(index): Promise<Figures> {
    const seconds = index < 0 ? 1 : isQuick ? 10 : 60;
    const all = { ...DEFAULTS, seconds, seed: index + 2, ...options };
    const quiet = nativeBench.attack({ ...all, flood: 'none', seconds: Math.min(seconds, 20) });
    const run = nativeBench.attack(all);
    const nsPerEstablished = (of: typeof run) => Number(of.establishedNs) / Number(of.establishedTimed);
    return {
      establishedGoodput: Number(run.establishedForwarded) / Number(run.establishedSent),
      newGoodput: Number(run.comersServed) / Number(run.comers),
      nsPerEstablishedPacket: nsPerEstablished(run),
      nsPerEstablishedPacketWithoutFlood: nsPerEstablished(quiet),
      nsPerOtherPacket: Number(run.floodNs) / Math.max(1, Number(run.floodPackets)),
      evictedClosing: Number(run.evictedClosing),
      evictedUnproven: Number(run.evictedUnproven),
      evictedIdle: Number(run.evictedIdle),
      refused: Number(run.refused),
    };
  },
  async close() {},
});
