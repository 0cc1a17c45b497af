/**
 * Measures what checking many servers costs. One host has the addresses of them all, and takes what comes through the
 * tunnels; a process of its own checks them, so that the share of CPU is that of the checks alone. The share of the
 * worker, which forwards the packets of checks by the virtual address, is part of it.
 *
 *     director 10.2.0.1 ─── 10.2.0.2 server (10.3.0.0/16, and the VIP)
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { startRealServerCommand } from '../../lib/lab/commands.js';
import { Lab } from '../../lib/lab/lab.js';
import type { CheckerOptions } from '../programs/checker.js';
import type { Figures, OpenSubject } from '../subject.js';
import { program } from './device.js';

export interface HealthTrial {
  kind: CheckerOptions['kind'];
  via: CheckerOptions['via'];
  servers: number;
  intervalMs: number;
  seconds: number;
}

const SOURCE = '10.2.0.1';
const VIP = '10.9.9.9';
const PORT = 80;
const LISTENER = `
  const answer = 'HTTP/1.1 200 OK\\r\\ncontent-length: 0\\r\\n\\r\\n';
  const server = require('node:net').createServer((s) => s.on('error', () => {}).on('data', () => s.end(answer)));
  server.listen(${PORT}, '0.0.0.0', 4096, () => console.log('ready'));
  process.stdin.resume().on('end', () => process.exit());`;

export const openHealth: OpenSubject<HealthTrial> = async (
  { kind, via, servers, intervalMs, seconds },
  { isQuick },
) => {
  const lab = Lab.create();
  try {
    const director = await lab.addHost('director');
    const server = await lab.addHost('server');
    for (const host of [director, server])
      await host.setSysctls({ 'net/ipv4/conf/all/rp_filter': '0', 'net/ipv4/conf/default/rp_filter': '0' });
    lab.connect(director, 'eth0', server, 'eth0');
    director.ip([`address add ${SOURCE}/24 dev eth0`, 'route add 10.3.0.0/16 via 10.2.0.2']);
    server.ip(['address add 10.2.0.2/24 dev eth0', 'route add local 10.3.0.0/16 dev lo']);
    const listener = server.spawn([process.execPath, '-e', LISTENER]);
    await listener.line((line) => line === 'ready');
    if (via === 'vip') await startRealServerCommand(server, { virtualAddress: [VIP], director: [SOURCE] });
    const addresses = Array.from({ length: servers }, (_, n) => `10.3.${Math.floor(n / 250)}.${1 + (n % 250)}`);
    const options: CheckerOptions = {
      ...{ kind, via, intervalMs, servers: addresses },
      ...{ source: SOURCE, virtualAddress: VIP, port: PORT },
    };
    const checker = director.spawn([process.execPath, program('checker'), JSON.stringify(options)]);
    await checker.line((line) => line === 'ready', 30_000);
    const read = async (id: string) => {
      checker.writeLine(id);
      const line = await checker.line((each) => each.startsWith(`${id} `));
      return JSON.parse(line.slice(id.length)) as Figures;
    };
    return {
      async run(index) {
        // What has happened since the run before does not count.
        await read(`start${index}`);
        // The warm-up is short however long the trial is.
        await sleep(1000 * (isQuick || index < 0 ? 2 : seconds));
        return read(`end${index}`);
      },
      close: () => lab.dispose(),
    };
  } catch (error) {
    await lab.dispose();
    throw error;
  }
};
