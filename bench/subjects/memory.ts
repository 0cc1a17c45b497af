/** Measures the engine in memory: vectors of 64 packets, no device, an egress that counts. */
import { type MemoryOptions, nativeBench } from '../native-bench.js';
import type { Figures, OpenSubject } from '../subject.js';

export type MemoryTrial = Partial<MemoryOptions> & Pick<MemoryOptions, 'connections'>;

const DEFAULTS = {
  workload: 'established',
  distribution: 'uniform',
  packetBytes: 64,
  scheduler: 'wlc',
  forwarding: 'ipip',
  servers: 16,
  weightFactor: 1,
  tableSize: 0,
  hashesPort: false,
} as const;

export const openMemory: OpenSubject<MemoryTrial> = async (options, { isQuick }) => {
  const packets = options.packets ?? (isQuick ? 2 ** 20 : 2 ** 23);
  return {
    async run(index): Promise<Figures> {
      const run = nativeBench.memory({ ...DEFAULTS, ...options, packets, seed: index + 2 });
      const nsPerPacket = Number(run.ns) / Number(run.packets);
      const bytesPerConnection = Number(run.tableBytes) / Number(run.connections);
      if (options.workload === 'open') {
        const msToConfigure = Number(run.configureNs) / 1e6;
        return {
          nsPerConnection: nsPerPacket,
          connectionsPerSecond: 1e9 / nsPerPacket,
          nsPerDecision: Number(run.decisionNs) / Number(run.decisions),
          ...(run.first > 0n && { nsPerFirstConnection: Number(run.firstNs) / Number(run.first) }),
          bytesPerConnection,
          msToConfigure,
        };
      }
      const clockNsPerPacket = Number(run.clockNs) / Number(run.packets);
      return { nsPerPacket, clockNsPerPacket, bytesPerConnection };
    },
    async close() {},
  };
};
