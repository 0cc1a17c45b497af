/**
 * Checks real servers as its argument (CheckerOptions in JSON) says. Prints "ready" when all have been checked, and for
 * each line that it reads the readings since the one before. Ends with its input.
 */
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Check } from '../../lib/health/checks/check.js';
import { httpCheck } from '../../lib/health/checks/http.js';
import { tcpCheck } from '../../lib/health/checks/tcp.js';
import { monitorHealth } from '../../lib/health/monitor-health.js';
import { Director } from '../../lib/index.js';
import { spreadOf } from '../spread.js';

export interface CheckerOptions {
  kind: 'tcp' | 'http';
  via: 'vip' | 'address';
  intervalMs: number;
  source: string;
  virtualAddress: string;
  port: number;
  servers: readonly string[];
}

const options = JSON.parse(process.argv[2] ?? '{}') as CheckerOptions;
const { kind, via, intervalMs, port } = options;
const begun: number[] = [];
const { run, ...made } = kind === 'tcp' ? tcpCheck() : httpCheck();
const check: Check = {
  ...made,
  run: (context) => {
    begun.push(performance.now());
    return run(context);
  },
};
const director = await Director.open({ source: options.source, device: { name: 'tunvs0', queues: 1 } });
const service = director.addVirtualService({ protocol: 'tcp', address: options.virtualAddress, port });
director.transaction(() => {
  for (const address of options.servers) service.addRealServer({ address });
});
const monitor = monitorHealth(director);
const told = { falls: 0, late: 0, latestMs: 0 };
monitor.on('server', ({ isUp }) => {
  if (!isUp) told.falls += 1;
});
monitor.on('late', ({ checks, latestMs }) => {
  told.late += checks;
  told.latestMs = Math.max(told.latestMs, latestMs);
});
monitor.watch(service, { checks: [check], via, intervalMs });

const workerNs = () => director.workerCpu().reduce((sum, { userNs, systemNs }) => sum + Number(userNs + systemNs), 0);
const processNs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
};
let before = { atMs: 0, processNs: 0, workerNs: 0 };

function begin(): void {
  begun.length = 0;
  Object.assign(told, { falls: 0, late: 0, latestMs: 0 });
  before = { atMs: performance.now(), processNs: processNs(), workerNs: workerNs() };
}

function readings(): object {
  const tookMs = performance.now() - before.atMs;
  return {
    checksPerSecond: (1000 * begun.length) / tookMs,
    cpuShare: (processNs() - before.processNs) / 1e6 / tookMs,
    workerCpuShare: (workerNs() - before.workerNs) / 1e6 / tookMs,
    ...spreadOf(begun, before.atMs, tookMs),
    lateChecks: told.late,
    latestMs: told.latestMs,
    residentMiB: process.memoryUsage.rss() / 2 ** 20,
    falls: told.falls,
  };
}

await sleep(3 * intervalMs);
begin();
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  console.log(`${line} ${JSON.stringify(readings())}`);
  begin();
}
await monitor.close();
await director.close();
