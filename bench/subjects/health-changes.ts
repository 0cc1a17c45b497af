/**
 * Measures what it costs when health says something new of all servers of many services in one transaction. Nothing else
 * runs on the event loop meanwhile, so the time of the transaction is the longest turn of the loop. On a machine that
 * does something else too, only the CPU time counts.
 */
import { type OfflineDirector, Director, type Scheduler } from '../../lib/index.js';
import type { HealthCondition } from '../../lib/values/health-condition.js';
import { median } from '../statistics.js';
import type { Figures, OpenSubject } from '../subject.js';

export interface HealthChangesTrial {
  services: number;
  serversPerService: number;
  scheduler: Scheduler;
}

const DOWN: HealthCondition = { isUp: false, isOut: true, onDown: 'reset' };
const UP: HealthCondition = { isUp: true, isOut: false, onDown: 'reset' };

export const openHealthChanges: OpenSubject<HealthChangesTrial> = async (options, { isQuick }) => {
  const { services, serversPerService, scheduler } = options;
  const director = Director.offline({ source: '10.0.0.1', maxConnections: 1024 });
  director.transaction((t) => {
    for (let i = 0; i < services; i += 1) {
      const service = t.addVirtualService({ protocol: 'tcp', address: '192.0.2.1', port: 1 + i, scheduler });
      for (let j = 0; j < serversPerService; j += 1) service.addRealServer({ address: `10.0.${i}.${j + 1}` });
    }
  });
  return {
    async run(): Promise<Figures> {
      const downMs: number[] = [];
      const upMs: number[] = [];
      const rounds = isQuick ? 3 : 20;
      const cpu = process.cpuUsage();
      for (let n = 0; n < rounds; n += 1) {
        downMs.push(await turnMs(director, DOWN));
        upMs.push(await turnMs(director, UP));
      }
      const { user, system } = process.cpuUsage(cpu);
      return {
        cpuMsPerChange: (user + system) / 1000 / (2 * rounds),
        allDownMs: median(downMs),
        allDownLongestMs: Math.max(...downMs),
        allUpMs: median(upMs),
        allUpLongestMs: Math.max(...upMs),
      };
    },
    close: () => director.close(),
  };
};

/** Resolves when what the change leaves for later turns has run, too. */
async function turnMs(director: OfflineDirector, health: HealthCondition): Promise<number> {
  const fromMs = performance.now();
  director.transaction(() => {
    for (const service of director.virtualServices)
      service.applyHealth(new Map(service.realServers.map((server) => [server, health])));
  });
  const tookMs = performance.now() - fromMs;
  await new Promise((resolve) => setImmediate(resolve));
  return tookMs;
}
