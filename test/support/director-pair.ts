/** Two directors on one LAN with the same services, and what decides between them: keepalived, with examples/keepalived. */
import { chmodSync, readFileSync } from 'node:fs';
import type { LabHost } from '../../lib/lab/lab-host.js';
import type { LabProcess } from '../../lib/lab/lab-process.js';
import { eventually } from './eventually.js';
import { PORT, TestStage, UPLINK } from './lab.js';
import { MAIN, Operated } from './operated.js';
import { ADM } from './tunvsadm.js';

export interface PairNode {
  readonly name: string;
  readonly host: LabHost;
  readonly address: string;
  readonly operated: Operated;
  director: LabProcess | undefined;
}

export interface PairOptions {
  /** Of the service, with the scheduler. Both send a flow to the same server by default, whichever it comes to. */
  service?: object;
  /** By `tunvs-sync` the directors tell each other of connections. */
  isSynced?: boolean;
  /** The first node takes the addresses back. */
  isFirstPreferred?: boolean;
}

const EXAMPLES = new URL('../../../examples/keepalived/', import.meta.url);
const SPARE = '10.2.0.3';
/** A cable between the directors. */
const LINK = 'eth1';

export class DirectorPair implements AsyncDisposable {
  readonly stage: TestStage;
  readonly nodes: readonly [PairNode, PairNode];
  readonly #options: PairOptions;

  static async open(options: PairOptions = {}): Promise<DirectorPair> {
    const stage = await TestStage.open({
      ...{ topology: 'lan', realServers: 3 },
      directors: ['10.2.0.2', SPARE],
    });
    const { lab, router, director } = stage.topology;
    const spare = await lab.addHost('spare');
    lab.connect(spare, UPLINK, router, 'spare');
    router.ip(['link set dev spare master lan']);
    spare.ip([`address add ${SPARE}/24 dev ${UPLINK}`, 'route add default via 10.2.0.1']);
    lab.connect(director, LINK, spare, LINK);
    for (const [at, host] of [director, spare].entries()) host.ip([`address add 10.7.0.${at + 1}/24 dev ${LINK}`]);
    const nodes = [nodeOf(director, stage.topology.directorAddress), nodeOf(spare, SPARE)] as const;
    return new DirectorPair(stage, nodes, options);
  }

  private constructor(stage: TestStage, nodes: readonly [PairNode, PairNode], options: PairOptions) {
    this.stage = stage;
    this.nodes = nodes;
    this.#options = options;
  }

  /** Starts the node's director as a standby, with what is said besides. */
  async start(node: PairNode, more: object = {}): Promise<void> {
    const { operated, address } = node;
    const service = {
      listen: `tcp ${this.stage.virtualAddress}:${PORT}`,
      ...(this.#options.service ?? { scheduler: 'maglev', midStream: 'hash' }),
      servers: this.stage.servers.map((server) => ({ address: server.address })),
    };
    // After a split nobody tells the one that stays active that there was another.
    const setUpHost = { neighbourNews: { refreshMs: '1s' } };
    const spec = { source: address, setUpHost, services: [service], ...more };
    const file = operated.write('tunvs.json', JSON.stringify(spec));
    node.director = await operated.start(['--config', file, '--role', 'standby']);
  }

  async roles(): Promise<string[]> {
    return Promise.all(this.nodes.map((node) => roleOf(node)));
  }

  /** The one that is active. REQUIRES: just one is. */
  async active(): Promise<PairNode> {
    const at = (await this.roles()).indexOf('active');
    return this.nodes[at] as PairNode;
  }

  other(node: PairNode): PairNode {
    return this.nodes[node === this.nodes[0] ? 1 : 0];
  }

  keepalived(node: PairNode): LabProcess {
    const { operated, host } = node;
    const folder = operated.path('keepalived');
    const synced = this.#options.isSynced === true ? ['tunvs-sync'] : [];
    const scripts = ['tunvs-notify', 'tunvs-check', 'tunvs-caught-up', ...synced];
    for (const name of [...scripts, 'keepalived.conf']) {
      // Others may write to the folder of temporary files, which keepalived would refuse.
      const text = readFileSync(new URL(name, EXAMPLES), 'utf8')
        .replaceAll('/etc/keepalived', folder)
        .replace(/^ *enable_script_security\n/m, '')
        .replace(/^ *nopreempt\n/m, (line) => (this.#options.isFirstPreferred === true ? '' : line))
        .replace(
          /priority 100/,
          this.#options.isFirstPreferred === true && node === this.nodes[0] ? 'priority 150' : '$&',
        );
      chmodSync(operated.write(`keepalived/${name}`, text), name.endsWith('.conf') ? 0o644 : 0o755);
    }
    const files = ['-p', 'pid', '-r', 'vrrp.pid'].map((word) => (word.startsWith('-') ? word : `${folder}/${word}`));
    const environment = { PATH: `${commandFolder(node)}:${process.env.PATH}`, TUNVS_RUNTIME_DIR: operated.run };
    return host.spawn(['keepalived', '-n', '-l', '-P', '-f', `${folder}/keepalived.conf`, ...files], environment);
  }

  untilRoles(isSo: (roles: string[]) => boolean, what: string): Promise<string[]> {
    return eventually(() => this.roles(), isSo, `${what}; roles`);
  }

  untilOneIsActive(): Promise<string[]> {
    return this.untilRoles((roles) => [...roles].sort().join() === 'active,standby', 'one director is active');
  }

  untilActive(node: PairNode): Promise<string[]> {
    return this.untilRoles((roles) => roles[this.nodes.indexOf(node)] === 'active', `${node.name} is active`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { operated } of this.nodes) await operated[Symbol.asyncDispose]();
    await this.stage.close();
  }
}

function nodeOf(host: LabHost, address: string): PairNode {
  return { name: host.name, host, address, operated: new Operated(host), director: undefined };
}

/** Writes the node's commands, as scripts call them; returns their folder. */
function commandFolder({ operated }: PairNode): string {
  for (const [name, main] of Object.entries({ tunvs: MAIN, tunvsadm: ADM })) {
    const path = operated.write(`bin/${name}`, `#!/bin/sh\nexec ${process.execPath} ${main} "$@"\n`);
    chmodSync(path, 0o755);
  }
  return operated.path('bin');
}

/** Asks by curl, which takes milliseconds. */
export async function roleOf({ operated }: PairNode): Promise<string> {
  const { stdout } = await operated.curl(['http://tunvs/v1/role']);
  return /"role":"(\w+)"/.exec(stdout)?.[1] ?? 'gone';
}
