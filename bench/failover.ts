/**
 * node scripts/failover.js [--failures N]: measures how long it takes from the failure of a real server until it is out
 * of the list, by tunvs and by keepalived at equal settings, of the same failures in the same lab.
 *
 * Ten real servers fail at random moments of the interval, by SIGKILL of their program and by their link.
 */
import { rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Agent } from '../lib/lab/agent.js';
import { startRealServerCommand } from '../lib/lab/commands.js';
import { type DirectorLab, type LabRealServer, routedLab, UPLINK } from '../lib/lab/topology.js';
import { formatMachine } from './report.js';
import { machine } from './machine.js';
import type { Moved } from './programs/failover-director.js';
import { type LabKeepalived, startKeepalived } from './programs/lab-keepalived.js';

const PORT = 80;
const SERVERS = 10;
const SECONDS = { interval: 1, timeout: 1, retryDelay: 1 };
const RETRIES = 1;
/** No failure takes longer to be found, nor the way back. */
const LONGEST_MS = 20_000;

const WATCHERS = ['tunvs, via vip', 'tunvs, via address', 'keepalived'] as const;
type Watcher = (typeof WATCHERS)[number];

interface Server extends LabRealServer {
  web: Agent;
}

const startWeb = ({ host }: LabRealServer) =>
  Agent.connect(host.node(new URL('../lib/lab/programs/web-server.js', import.meta.url), [host.name, `${PORT}`]));

/** How a server fails, and comes back. */
const FAILURES: Record<string, { fail(server: Server): void; mend(server: Server): Promise<void> }> = {
  'SIGKILL of the program': {
    fail: ({ web }) => web.process.kill('SIGKILL'),
    async mend(server) {
      await server.web.process.exited;
      server.web = await startWeb(server);
    },
  },
  'ip link down': {
    fail: ({ host }) => host.ip([`link set dev ${UPLINK} down`]),
    async mend({ host, address }) {
      const up = [`link set dev ${UPLINK} up`, `route add 10.3.0.1/32 dev ${UPLINK}`];
      host.ip([...up, `route add default via 10.3.0.1 dev ${UPLINK} src ${address}`]);
    },
  },
};

/** When each watcher took each server out last, or put it back, on the monotonic clock in nanoseconds. */
class Watch {
  readonly #director: Agent;
  readonly #last = new Map<string, { isUp: boolean; at: bigint }>();

  constructor(director: Agent, { process }: LabKeepalived) {
    this.#director = director;
    process.onLine((line) => {
      const [, word, address = '', at = '0'] = /^ipvs (add|remove) (\S+) (\d+)$/.exec(line) ?? [];
      if (word !== undefined) this.#note('keepalived', address, word === 'add', at);
    });
  }

  /** Waits until all watchers have found the server up, or down; returns when. */
  async until(address: string, isUp: boolean, after: bigint): Promise<Map<Watcher, bigint>> {
    for (const since = performance.now(); performance.now() - since < LONGEST_MS; await delay(100)) {
      for (const move of await this.#director.call<Moved[]>('moves'))
        this.#note(`tunvs, via ${move.by}`, move.address, move.isUp, move.at);
      const found = WATCHERS.map((watcher) => [watcher, this.#last.get(`${watcher} ${address}`)] as const);
      if (found.every(([, last]) => last?.isUp === isUp && last.at >= after))
        return new Map(found.map(([watcher, last]) => [watcher, last?.at ?? 0n]));
    }
    throw new Error(
      `${address} is not found ${isUp ? 'up' : 'down'} by all: ${JSON.stringify([...this.#last.keys()])}`,
    );
  }

  #note(watcher: Watcher, address: string, isUp: boolean, at: string): void {
    this.#last.set(`${watcher} ${address}`, { isUp, at: BigInt(at) });
  }
}

async function open({ director, directorAddress, virtualAddress, realServers }: DirectorLab) {
  const servers: Server[] = [];
  for (const server of realServers) {
    await startRealServerCommand(server.host, { virtualAddress, director: directorAddress });
    servers.push({ ...server, web: await startWeb(server) });
  }
  const addresses = servers.map(({ address }) => address);
  const agent = await Agent.connect(director.node(new URL('programs/failover-director.js', import.meta.url)));
  const keepalived = startKeepalived(director, {
    ...{ virtualAddress, port: PORT, servers: addresses, intervalSeconds: SECONDS.interval, retries: RETRIES },
    ...{ timeoutSeconds: SECONDS.timeout, retryDelaySeconds: SECONDS.retryDelay },
  });
  const watch = new Watch(agent, keepalived);
  await agent.call('open', {
    ...{ source: directorAddress, virtualAddress, port: PORT, servers: addresses },
    timing: {
      ...{ intervalMs: 1000 * SECONDS.interval, timeoutMs: 1000 * SECONDS.timeout, retries: RETRIES, rise: 1 },
      ...{ retryDelayMs: 1000 * SECONDS.retryDelay, jitter: 0 },
    },
  });
  await Promise.all(addresses.map((address) => watch.until(address, true, 0n)));
  return { servers, watch, keepalived };
}

/** Lets each server fail once at a moment of its own; returns how long each watcher took, in milliseconds. */
async function failAll(how: string, servers: readonly Server[], watch: Watch): Promise<Map<Watcher, number>[]> {
  const { fail, mend } = FAILURES[how] as (typeof FAILURES)[string];
  await delay(1000 * SECONDS.interval);
  return Promise.all(
    servers.map(async (server) => {
      await delay(Math.random() * 2000 * SECONDS.interval);
      const failed = process.hrtime.bigint();
      fail(server);
      const found = await watch.until(server.address, false, failed);
      const mended = process.hrtime.bigint();
      await mend(server);
      await watch.until(server.address, true, mended);
      return new Map([...found].map(([watcher, at]) => [watcher, Number(at - failed) / 1e6]));
    }),
  );
}

function print(how: string, took: readonly Map<Watcher, number>[]): void {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const ms = (value: number | undefined) => `${Math.round(value ?? Number.NaN)}`.padStart(7);
  console.log(`\n${how}, ${took.length} failures, ms to removal\n`);
  console.log(`${''.padEnd(20)}   least  median    mean    most   mean less keepalived's`);
  for (const watcher of WATCHERS) {
    const values = took.map((each) => each.get(watcher) ?? Number.NaN).sort((a, b) => a - b);
    const less = took.map((each) => (each.get(watcher) ?? Number.NaN) - (each.get('keepalived') ?? Number.NaN));
    const spread = Math.sqrt(mean(less.map((each) => (each - mean(less)) ** 2)) / (less.length - 1));
    const figures = [values[0], values[Math.floor(values.length / 2)], mean(values), values.at(-1)].map(ms).join(' ');
    const compared = watcher === 'keepalived' ? '' : `${ms(mean(less))} ± ${Math.round(spread)}`;
    console.log(`${watcher.padEnd(20)} ${figures} ${compared}`.trimEnd());
  }
}

const { values } = parseArgs({ options: { failures: { type: 'string', default: '30' } } });
const failures = Number(values.failures);
if (!Number.isInteger(failures) || failures < 2) throw new Error('--failures: expected an integer from 2');
console.log(formatMachine(machine()));
console.log(
  `every ${SECONDS.interval} s, timeout ${SECONDS.timeout} s, ${RETRIES} retry after ${SECONDS.retryDelay} s`,
);
const lab = await routedLab({ realServers: SERVERS });
let folder: string | undefined;
try {
  const { servers, watch, keepalived } = await open(lab);
  folder = keepalived.folder;
  for (const how of Object.keys(FAILURES)) {
    const took: Map<Watcher, number>[] = [];
    while (took.length < failures) took.push(...(await failAll(how, servers, watch)));
    print(how, took);
  }
} finally {
  await lab.lab.dispose();
  if (folder !== undefined) rmSync(folder, { recursive: true });
}
