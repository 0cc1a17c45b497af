/**
 * Measures what checking many servers costs: a monitor connects by TCP to as many loopback addresses, on which another
 * process listens. The share of CPU is that of this process, which does nothing else. The spread is how many checks
 * begin in the busiest 50 ms, by the mean.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Check } from '../../lib/health/checks/check.js';
import { tcpCheck } from '../../lib/health/checks/tcp.js';
import { monitorHealth } from '../../lib/health/monitor-health.js';
import { Director } from '../../lib/index.js';
import type { Figures, OpenSubject } from '../subject.js';

export interface HealthTrial {
  servers: number;
  intervalMs: number;
  seconds: number;
}

const PIECE_MS = 50;
const LISTENER = `
  const server = require('node:net').createServer((socket) => socket.on('error', () => {}).resume());
  server.listen(0, '0.0.0.0', 4096, () => console.log(server.address().port));
  process.stdin.resume().on('end', () => process.exit());`;

export const openHealth: OpenSubject<HealthTrial> = async ({ servers, intervalMs, seconds }, { isQuick }) => {
  const listener = spawn(process.execPath, ['-e', LISTENER], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = (await once(listener.stdout, 'data')) as [Buffer];
  const begun: number[] = [];
  const tcp = tcpCheck({ port: Number(line.toString()) });
  const check: Check = {
    ...tcp,
    run: (context) => {
      begun.push(performance.now());
      return tcp.run(context);
    },
  };
  const director = Director.offline({ source: '10.2.0.2', maxConnections: 1024 });
  const service = director.addVirtualService({ protocol: 'tcp', address: '192.0.2.1', port: 80, scheduler: 'wrr' });
  director.transaction(() => {
    for (let n = 0; n < servers; n += 1)
      service.addRealServer({ address: `127.1.${Math.floor(n / 250)}.${1 + (n % 250)}` });
  });
  const monitor = monitorHealth(director);
  let falls = 0;
  monitor.on('server', ({ isUp }) => {
    if (!isUp) falls += 1;
  });
  monitor.watch(service, { checks: [check], via: 'address', intervalMs });
  await sleep(2 * intervalMs);
  return {
    async run(): Promise<Figures> {
      begun.length = 0;
      const cpu = process.cpuUsage();
      const fromMs = performance.now();
      await sleep(1000 * (isQuick ? 2 : seconds));
      const { user, system } = process.cpuUsage(cpu);
      const tookMs = performance.now() - fromMs;
      const pieces = new Array<number>(Math.ceil(tookMs / PIECE_MS)).fill(0);
      for (const atMs of begun) {
        const piece = Math.floor((atMs - fromMs) / PIECE_MS);
        pieces[piece] = (pieces[piece] ?? 0) + 1;
      }
      const mean = (begun.length * PIECE_MS) / tookMs;
      return {
        checksPerSecond: (1000 * begun.length) / tookMs,
        cpuShare: (user + system) / 1000 / tookMs,
        busiestPieceByMean: Math.max(...pieces) / mean,
        residentMiB: process.memoryUsage.rss() / 2 ** 20,
        falls,
      };
    },
    async close() {
      await monitor.close();
      await director.close();
      listener.stdin.end();
      await once(listener, 'exit');
    },
  };
};
