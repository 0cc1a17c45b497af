/** Two directors on one LAN with the same services, and what decides between them. */
import { chmodSync } from 'node:fs';
import type { LabHost } from '../../lib/lab/lab-host.js';
import type { LabProcess } from '../../lib/lab/lab-process.js';
import { PORT, TestStage, UPLINK } from './lab.js';
import { MAIN, Operated } from './operated.js';

export interface PairNode {
  readonly name: string;
  readonly host: LabHost;
  readonly address: string;
  readonly operated: Operated;
  director: LabProcess | undefined;
}

const SPARE = '10.2.0.3';

export class DirectorPair implements AsyncDisposable {
  readonly stage: TestStage;
  readonly nodes: readonly [PairNode, PairNode];

  static async open(): Promise<DirectorPair> {
    const stage = await TestStage.open({
      ...{ topology: 'lan', realServers: 3 },
      directors: ['10.2.0.2', SPARE],
    });
    const { lab, router, director } = stage.topology;
    const spare = await lab.addHost('spare');
    lab.connect(spare, UPLINK, router, 'spare');
    router.ip(['link set dev spare master lan']);
    spare.ip([`address add ${SPARE}/24 dev ${UPLINK}`, 'route add default via 10.2.0.1']);
    return new DirectorPair(stage, [nodeOf(director, stage.topology.directorAddress), nodeOf(spare, SPARE)]);
  }

  private constructor(stage: TestStage, nodes: readonly [PairNode, PairNode]) {
    this.stage = stage;
    this.nodes = nodes;
  }

  /** Starts the node's director as a standby. Both send a flow to the same server, whichever of them it comes to. */
  async start(node: PairNode): Promise<void> {
    const { operated, address } = node;
    const service = {
      listen: `tcp ${this.stage.virtualAddress}:${PORT}`,
      ...{ scheduler: 'maglev', midStream: 'hash' },
      servers: this.stage.servers.map((server) => ({ address: server.address })),
    };
    // After a split nobody tells the one that stays active that there was another.
    const setUpHost = { neighbourNews: { refreshMs: '1s' } };
    const file = operated.write('tunvs.json', JSON.stringify({ source: address, setUpHost, services: [service] }));
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

  /** Writes a command `tunvs` of the node, as scripts call it; returns its folder. */
  commandFolder({ operated }: PairNode): string {
    const path = operated.write('bin/tunvs', `#!/bin/sh\nexec ${process.execPath} ${MAIN} "$@"\n`);
    chmodSync(path, 0o755);
    return operated.path('bin');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { operated } of this.nodes) await operated[Symbol.asyncDispose]();
    await this.stage.close();
  }
}

function nodeOf(host: LabHost, address: string): PairNode {
  return { name: host.name, host, address, operated: new Operated(host), director: undefined };
}

/** Asks by curl, which takes milliseconds. */
export async function roleOf({ operated }: PairNode): Promise<string> {
  const { stdout } = await operated.curl(['http://tunvs/v1/role']);
  return /"role":"(\w+)"/.exec(stdout)?.[1] ?? 'gone';
}
