/**
 * A director under floods, where each packet is accounted for: what was sent, what devices dropped, what the director
 * counted, and what came to each real server.
 *
 *     generator ─── in ┌──────────┐ out ─── servers
 *                      │ director │         (one host counts for all, by the outer destination)
 *                      └──────────┘
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent } from '../../lib/lab/agent.js';
import { Lab } from '../../lib/lab/lab.js';
import type { LabHost } from '../../lib/lab/lab-host.js';
import type { DirectorOpenOptions, DirectorStats } from '../../lib/index.js';
import { native } from '../../lib/native/addon.js';
import type { FloodOptions } from '../../bench/native-bench.js';

/** Where clients' packets come in at the director. */
export const INLET = 'in';
export const DEVICE = 'tunvs0';
export const VIRTUAL_ADDRESS = '10.9.9.9';
export const PORT = 5000;
const SOURCE = '10.2.0.2';
/** Every server that there can be. */
export const SERVERS: readonly string[] = Array.from({ length: 12 }, (_, index) => `10.2.0.${11 + index}`);

export type Flood = Pick<FloodOptions, 'protocol' | 'flows' | 'maxPackets' | 'packetsPerSecond'>;

/** As JSON carries them: counters are numbers. */
type PlainStats = Pick<DirectorStats, 'services' | 'counters' | 'table'>;

/** What was counted outside of the director. */
interface Outside {
  /** That the director's host took from the generator. */
  arrived: number;
  /** That found the queue of the director's device full. */
  deviceDrops: number;
  /** That found the queue of the last link full. */
  linkDrops: number;
  servers: Record<string, number>;
}

type Hosts = Record<'generator' | 'director' | 'servers', LabHost>;

export class FloodedLab {
  readonly #lab: Lab;
  readonly #hosts: Hosts;
  readonly #mac: string;
  #agent: Agent | undefined;
  #before: Outside = { arrived: 0, deviceDrops: 0, linkDrops: 0, servers: {} };
  #sent = 0;

  static async open(): Promise<FloodedLab> {
    const lab = Lab.create();
    try {
      const generator = await lab.addHost('generator');
      const director = await lab.addHost('director');
      const servers = await lab.addHost('servers');
      await director.setSysctls({ 'net/ipv4/conf/all/rp_filter': '0', 'net/ipv4/conf/default/rp_filter': '0' });
      lab.connect(generator, 'eth0', director, INLET);
      lab.connect(director, 'out', servers, 'eth0');
      director.ip([
        `address add 10.1.0.1/24 dev ${INLET}`,
        `address add ${SOURCE}/24 dev out`,
        // Clients are nobody; the director can answer them all the same.
        'neigh replace 10.1.0.2 lladdr 02:00:00:00:00:0a dev in nud permanent',
        'route add 198.18.0.0/15 via 10.1.0.2',
        ...SERVERS.map((address) => `neigh replace ${address} lladdr 02:00:00:00:00:0b dev out nud permanent`),
      ]);
      const rules = SERVERS.map((address) => `ip daddr ${address} counter name "${counterOf(address)}" drop`);
      const counters = SERVERS.map((address) => `counter ${counterOf(address)} {}`);
      const chain = ['type filter hook ingress device eth0 priority 0;', ...rules].join('\n');
      await servers.exec(['nft', '-f', '-'], {
        input: `table netdev arrived {\n${counters.join('\n')}\nchain ingress {\n${chain}\n}\n}\n`,
      });
      const { stdout } = await director.exec(['cat', `/sys/class/net/${INLET}/address`]);
      return new FloodedLab(lab, { generator, director, servers }, stdout.trim());
    } catch (error) {
      await lab.dispose();
      throw error;
    }
  }

  private constructor(lab: Lab, hosts: Hosts, mac: string) {
    this.#lab = lab;
    this.#hosts = hosts;
    this.#mac = mac;
  }

  get director(): Agent {
    if (this.#agent === undefined) throw new Error('start a director first');
    return this.#agent;
  }

  /** Begins a director's life: from here on everything is counted anew. REQUIRES: nothing is on its way to a server */
  async start(options: Partial<DirectorOpenOptions>, rules: readonly string[]): Promise<void> {
    const program = this.#hosts.director.node(new URL('./programs/rules-agent.js', import.meta.url));
    this.#agent = await Agent.connect(program);
    this.#before = await this.#outside(false);
    this.#sent = 0;
    await this.#agent.call('open', {
      source: SOURCE,
      egress: 'packet',
      device: { name: DEVICE, queues: 2 },
      ...options,
    });
    await this.#agent.call('run', { rules });
  }

  /** Ends the director's process, which gets no chance to do anything; resolves when no server gets packets any more. */
  async kill(): Promise<void> {
    await this.director.process.stop('SIGKILL');
    this.#agent = undefined;
    await onceStill(async () => (await this.#outside(false)).servers);
  }

  /** Resolves with how many packets were sent, once all were. */
  async flood(flood: Flood): Promise<number> {
    const options: FloodOptions = {
      interfaceName: 'eth0',
      destinationMac: this.#mac,
      virtualAddress: VIRTUAL_ADDRESS,
      port: PORT,
      packetBytes: 64,
      durationMs: 60_000,
      ...flood,
    };
    const generator = new URL('../../bench/programs/generator.js', import.meta.url).pathname;
    const { stdout } = await this.#hosts.generator.exec([process.execPath, generator, JSON.stringify(options)], {
      timeoutMs: options.durationMs + 20_000,
    });
    const { packets } = JSON.parse(stdout) as { packets: number };
    this.#sent += packets;
    return packets;
  }

  /** What was counted since the director's life began, in and out of it, once no packet is on its way any more. */
  account(): Promise<Account> {
    return onceStill(() => this.#account());
  }

  async #account(): Promise<Account> {
    const outside = await this.#outside(true);
    const { services, counters, table } = await this.director.call<PlainStats>('stats');
    const count = (name: string) => Number(counters[name as keyof typeof counters]);
    const servers: Record<string, number> = {};
    for (const { servers: each } of services) {
      for (const { address, totals } of each) servers[address] = (servers[address] ?? 0) + Number(totals.inPackets);
    }
    const before = this.#before;
    return {
      sent: this.#sent,
      arrived: outside.arrived - before.arrived,
      deviceDrops: outside.deviceDrops,
      linkDrops: outside.linkDrops - before.linkDrops,
      came: Object.fromEntries(
        SERVERS.map((address) => [address, (outside.servers[address] ?? 0) - (before.servers[address] ?? 0)]),
      ),
      tallied: Object.fromEntries(SERVERS.map((address) => [address, servers[address] ?? 0])),
      ofServices: services.reduce((sum, { totals }) => sum + Number(totals.inPackets), 0),
      verdicts: native.verdicts.reduce((sum, name) => sum + count(name), 0),
      counters: Object.fromEntries(Object.keys(counters).map((name) => [name, count(name)])),
      connections: table.ipv4,
    };
  }

  async #outside(hasDevice: boolean): Promise<Outside> {
    const [devices, counters] = await Promise.all([
      this.#hosts.director.exec(['cat', '/proc/net/dev']),
      this.#hosts.servers.exec(['nft', '-j', 'list', 'counters']),
    ]);
    const field = (device: string, index: number) => {
      const line = devices.stdout.split('\n').find((each) => each.trimStart().startsWith(`${device}:`));
      return Number(
        line
          ?.slice(line.indexOf(':') + 1)
          .trim()
          .split(/\s+/)[index] ?? 0,
      );
    };
    const { nftables } = JSON.parse(counters.stdout) as { nftables: { counter?: { name: string; packets: number } }[] };
    const named = new Map(
      nftables.flatMap(({ counter }) => (counter ? [[counter.name, counter.packets] as const] : [])),
    );
    return {
      arrived: field(INLET, 1),
      deviceDrops: hasDevice ? field(DEVICE, 11) : 0,
      linkDrops: field('out', 11),
      servers: Object.fromEntries(SERVERS.map((address) => [address, named.get(counterOf(address)) ?? 0])),
    };
  }

  dispose(): Promise<void> {
    return this.#lab.dispose();
  }
}

/** Returns what was read once it no longer changes. */
async function onceStill<Value>(read: () => Promise<Value>): Promise<Value> {
  let last = await read();
  for (;;) {
    await sleep(50);
    const next = await read();
    if (JSON.stringify(next) === JSON.stringify(last)) return last;
    last = next;
  }
}

const counterOf = (address: string) => `to_${address.replaceAll('.', '_')}`;

export interface Account {
  /** By the generator. */
  sent: number;
  /** At the director's host. */
  arrived: number;
  deviceDrops: number;
  linkDrops: number;
  /** Packets that came, by server. */
  came: Record<string, number>;
  /** The director's own counts, by server. */
  tallied: Record<string, number>;
  /** The director's own count, of all services. */
  ofServices: number;
  /** What became of the packets, summed up. */
  verdicts: number;
  counters: Record<string, number>;
  connections: number;
}
