/** Measures the engine in memory: vectors of 64 packets, no device, an egress that counts. */
import { type MemoryOptions, type MemoryRun, nativeBench } from '../native-bench.js';
import type { Figures, OpenSubject } from '../subject.js';

export type MemoryTrial = Partial<MemoryOptions> &
  Pick<MemoryOptions, 'connections'> & {
    /** Behind each run, the same connections' clients send by IPIP, and the ratio is a figure. */
    isBesideTunnel?: boolean;
  };

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
  workers: 1,
  isMaster: false,
  tables: 'anonymous',
} as const;

/**
 * How many times as many packets all workers take as one does: by the clock, which counts the time that others have
 * the CPU, and by the CPU time of the threads, which does not, but includes the writing of packets.
 */
export function speedups(
  run: Pick<MemoryRun, 'ns' | 'cpuNs' | 'packets' | 'aloneNs' | 'aloneCpuNs' | 'alonePackets'>,
  workers: number,
): Figures {
  const [packets, alonePackets] = [Number(run.packets), Number(run.alonePackets)];
  const nsPerPacketAlone = Number(run.aloneNs) / alonePackets;
  const nsPerPacketOfEach = Number(run.ns) / packets;
  const cpuAlone = Number(run.aloneCpuNs) / alonePackets;
  return {
    speedup: (workers * nsPerPacketAlone) / nsPerPacketOfEach,
    speedupByCpuTime: (workers * cpuAlone) / (Number(run.cpuNs) / packets),
    nsPerPacketAlone,
    nsPerPacketOfEach,
  };
}

const nsOfPacket = ({ ns, packets }: MemoryRun) => Number(ns) / Number(packets);

export const openMemory: OpenSubject<MemoryTrial> = async ({ isBesideTunnel, ...options }, { isQuick }) => {
  const packets = options.packets ?? (isQuick ? 2 ** 20 : 2 ** 23);
  return {
    async run(index): Promise<Figures> {
      const measured = (more?: Partial<MemoryOptions>) =>
        nativeBench.memory({ ...DEFAULTS, ...options, ...more, packets, seed: index + 2 });
      const run = measured();
      const nsPerPacket = nsOfPacket(run);
      const workload = options.workload === 'open' ? 'open' : 'established';
      const beside = {
        ...(isBesideTunnel && { timesIpip: nsPerPacket / nsOfPacket(measured({ workload, forwarding: 'ipip' })) }),
        ...(options.isMaster && { nsMoreThanUntold: Number(run.cpuNs - run.untoldCpuNs) / Number(run.packets) }),
      };
      const bytesPerConnection = Number(run.tableBytes) / Number(run.connections);
      if (options.workload === 'open') {
        const msToConfigure = Number(run.configureNs) / 1e6;
        return {
          nsPerConnection: nsPerPacket,
          ...beside,
          connectionsPerSecond: 1e9 / nsPerPacket,
          nsPerDecision: Number(run.decisionNs) / Number(run.decisions),
          ...(run.first > 0n && { nsPerFirstConnection: Number(run.firstNs) / Number(run.first) }),
          bytesPerConnection,
          msToConfigure,
        };
      }
      if (run.alonePackets > 0n) return { ...speedups(run, options.workers ?? 1), bytesPerConnection };
      const clockNsPerPacket = Number(run.clockNs) / Number(run.packets);
      return { nsPerPacket, ...beside, clockNsPerPacket, bytesPerConnection };
    },
    async close() {},
  };
};
