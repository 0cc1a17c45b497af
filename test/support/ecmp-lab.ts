/**
 * Directors behind a router that spreads flows over them by ECMP, as BIRD announces them with the files of examples/bird.
 * Their second devices are on a LAN of their own.
 *
 *     client 10.1.0.2 ... ─── ┌────────┐ 10.2.0.1 ─── 10.2.0.2 director ─┬─ 10.7.0.1
 *                             │ router │ 10.4.0.1 ─── 10.4.0.2 second ───┼─ 10.7.0.2   eth1
 *                             └────────┘ 10.5.0.1 ─── 10.5.0.2 third ────┘  10.7.0.3
 */
import { readFileSync } from 'node:fs';
import type { LabHost } from '../../lib/lab/lab-host.js';
import type { LabProcess } from '../../lib/lab/lab-process.js';
import { eventually } from './eventually.js';
import { ask, setRole, syncOf } from './asked-director.js';
import { hasProgram } from './has-program.js';
import { PORT, TestStage, UPLINK } from './lab.js';
import { Operated } from './operated.js';

const EXAMPLES = new URL('../../../examples/bird/', import.meta.url);
const NETWORKS = ['10.2.0', '10.4.0', '10.5.0'] as const;
const NAMES = ['director', 'second', 'third'] as const;

/** The directors' device towards one another. */
export const LINK = 'eth1';

export interface EcmpNode {
  readonly host: LabHost;
  readonly address: string;
  readonly gateway: string;
  readonly operated: Operated;
  director: LabProcess;
}

export class EcmpLab implements AsyncDisposable {
  readonly stage: TestStage;
  readonly nodes: readonly EcmpNode[];
  readonly #announcing: EcmpNode[] = [];

  static readonly problem = hasProgram('bird') ? undefined : 'bird is missing';

  /** There is no director yet, and no BIRD but the router's. */
  static async open({ directors, realServers }: { directors: 2 | 3; realServers: number }): Promise<EcmpLab> {
    const addresses = NETWORKS.slice(0, directors).map((network) => `${network}.2`);
    const stage = await TestStage.open({ realServers, directors: addresses });
    const { lab, router, director } = stage.topology;
    router.ip([`route del ${stage.virtualAddress}`]);
    // Otherwise all packets between two addresses go one way.
    await router.setSysctls({ 'net/ipv4/fib_multipath_hash_policy': '1' });
    const link = await lab.addHost('link');
    link.ip(['link add name lan type bridge', 'link set dev lan up']);
    const nodes: EcmpNode[] = [];
    for (const [at, address] of addresses.entries()) {
      const name = NAMES[at] as string;
      const gateway = `${NETWORKS[at]}.1`;
      const host = at === 0 ? director : await lab.addHost(name);
      if (at > 0) {
        lab.connect(host, UPLINK, router, name);
        router.ip([`address add ${gateway}/24 dev ${name}`]);
        host.ip([`address add ${address}/24 dev ${UPLINK}`, `route add default via ${gateway}`]);
      }
      lab.connect(host, LINK, link, name);
      link.ip([`link set dev ${name} master lan`]);
      host.ip([`address add 10.7.0.${at + 1}/24 dev ${LINK}`]);
      nodes.push({ host, address, gateway, operated: new Operated(host), director: undefined as never });
    }
    const opened = new EcmpLab(stage, nodes);
    opened.#bird(router, opened.#routerFile());
    return opened;
  }

  private constructor(stage: TestStage, nodes: readonly EcmpNode[]) {
    this.stage = stage;
    this.nodes = nodes;
  }

  /** A service of the virtual address, with the first `servers` real servers. */
  service(more: object, servers: readonly { address: string }[] = this.stage.servers): object {
    return {
      ...{ listen: `tcp ${this.stage.virtualAddress}:${PORT}` },
      ...{ ...more, servers: servers.map(({ address }) => ({ address })) },
    };
  }

  async start(node: EcmpNode, service: object, role: 'active' | 'standby' = 'active'): Promise<void> {
    node.director = await node.operated.start(['--config', this.#configure(node, service), '--role', role]);
  }

  /** Has directors that run take another configuration. */
  async reload(nodes: readonly EcmpNode[], service: object): Promise<void> {
    const reload = async (node: EcmpNode) => {
      this.#configure(node, service);
      await ask(node, 'POST', 'reload', {});
    };
    await Promise.all(nodes.map(reload));
  }

  #configure({ operated, address }: EcmpNode, service: object): string {
    return operated.write('tunvs.json', JSON.stringify({ source: address, services: [service] }));
  }

  /** Starts BIRD on a director's host, and has the router know it. */
  async announce(node: EcmpNode): Promise<void> {
    this.#announcing.push(node);
    const text = example('director.conf').replaceAll('10.2.0.2', node.address).replaceAll('10.2.0.1', node.gateway);
    this.#bird(node.host, text);
    // The first two are in the example.
    if (this.#announcing.length <= 2) return;
    const { router } = this.stage.topology;
    this.#write(router, this.#routerFile());
    await eventually(
      () => router.tryExec(['birdc', '-s', this.#place(router, 'ctl'), 'configure']),
      ({ stdout }) => stdout.includes('Reconfigured'),
      'BIRD on the router is configured anew',
    );
  }

  #routerFile(): string {
    const more = this.#announcing.slice(2).map(({ address }, at) => {
      return `protocol bgp director${at + 3} from director {\n    neighbor ${address} as 65001;\n}\n`;
    });
    return example('router.conf') + more.join('');
  }

  #place({ name }: LabHost, what: string): string {
    return (this.nodes[0] as EcmpNode).operated.path(`${name}.${what}`);
  }

  #write({ name }: LabHost, text: string): string {
    return (this.nodes[0] as EcmpNode).operated.write(`${name}.conf`, text);
  }

  #bird(host: LabHost, text: string): void {
    const written = this.#write(host, text);
    host.spawn(['bird', '-f', '-c', written, '-s', this.#place(host, 'ctl'), '-P', this.#place(host, 'pid')]);
  }

  /** The directors that the router sends to, by their addresses. */
  async ways(): Promise<string[]> {
    const { stdout } = await this.stage.topology.router.exec(['ip', 'route', 'show', this.stage.virtualAddress]);
    return [...stdout.matchAll(/ via (\S+)/g)].map(([, gateway]) => gateway as string).sort();
  }

  async untilWays(nodes: readonly EcmpNode[]): Promise<void> {
    const wanted = nodes.map(({ address }) => address).sort();
    await eventually(
      () => this.ways(),
      (found) => found.join() === wanted.join(),
      `ways by ${wanted}`,
    );
  }

  /** Has these directors be active, and then the others standbys. REQUIRES: all run */
  async activate(nodes: readonly EcmpNode[]): Promise<void> {
    await Promise.all(nodes.map((node) => setRole(node, 'active')));
    await Promise.all(this.nodes.filter((node) => !nodes.includes(node)).map((node) => setRole(node, 'standby')));
    await this.untilWays(nodes);
  }

  /** Has these directors tell each other of their connections: each is a master and a backup. */
  async sync(nodes: readonly EcmpNode[]): Promise<void> {
    for (const role of ['backup', 'master'])
      await Promise.all(nodes.map((node) => ask(node, 'POST', `sync/${role}`, { interface: LINK, syncid: 7 })));
  }

  /** Has all directors that run be peers of each other in place of that: each is a master and a backup. */
  async peers(): Promise<void> {
    for (const [at, node] of this.nodes.entries()) {
      const running = await syncOf(node);
      const peers = this.nodes.flatMap((_, other) => (other === at ? [] : [`10.7.0.${other + 1}`]));
      for (const role of ['backup', 'master'] as const) {
        if (running[role] !== undefined) await ask(node, 'DELETE', `sync/${role}`);
        await ask(node, 'POST', `sync/${role}`, { peers, syncid: 7 });
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { operated } of this.nodes) await operated[Symbol.asyncDispose]();
    await this.stage.close();
  }
}

const example = (name: string) => readFileSync(new URL(name, EXAMPLES), 'utf8');
