/** `tunvs run --state` on a stage, and clients that see what becomes of connections when it is replaced. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Agent } from '../../lib/lab/agent.js';
import type { ExecResult } from '../../lib/lab/lab-host.js';
import type { LabProcess } from '../../lib/lab/lab-process.js';
import { PORT, type TestStage } from './lab.js';
import type { LoadResult } from './load.js';
import { NAT_SOURCES, type NatStage, SERVER_PORT } from './nat-stage.js';
import { MAIN } from './operated.js';
import { SteadyClient } from './steady.js';

export type KeptMethod = 'ipip' | 'nat' | 'snat';

export const CONNECTIONS = 40;

/** What clients have seen in the end. */
export interface KeptResult {
  short: LoadResult;
  datagrams: { sent: number; answered: number; lost: number[]; repeated: number };
}

const program = (name: string) => new URL(`./programs/${name}.js`, import.meta.url);

export class KeptDaemon {
  readonly #stage: TestStage | NatStage;
  readonly #folder: string;
  readonly #config: string;
  daemon!: LabProcess;
  steady!: SteadyClient;
  #load!: Agent;
  #counting!: Agent;
  #text = '';

  /** `more` are further services, as lines of the configuration. */
  constructor(stage: TestStage | NatStage, method: KeptMethod, folder: string, more: readonly string[] = []) {
    this.#stage = stage;
    this.#folder = join(folder, method);
    this.#config = join(folder, `${method}.yaml`);
    const servers = stage.servers.map(({ address }) =>
      method === 'ipip' ? address : `{ address: ${address}, port: ${SERVER_PORT}, forwarding: ${method} }`,
    );
    const service = (protocol: string) =>
      `  - { listen: "${protocol} ${stage.virtualAddress}:${PORT}", scheduler: wrr, servers: [${servers}] }\n`;
    writeFileSync(
      this.#config,
      `source: ${stage.topology.directorAddress}
device: { queues: 2 }
maxConnections: 65536
health: { check: tcp, interval: 300ms }
${method === 'snat' ? `fullNat: { sources: [${NAT_SOURCES[4]}] }` : ''}
services:
${service('tcp')}${service('udp')}${more.map((line) => `  - ${line}\n`).join('')}`,
    );
  }

  get stateFolder(): string {
    return join(this.#folder, 'kept');
  }

  /** Returns another configuration, with a service of one more address. */
  configWith(address: string): string {
    const path = this.#config.replace('.yaml', '-more.yaml');
    writeFileSync(
      path,
      `${readFileSync(this.#config, 'utf8')}  - { listen: "tcp ${address}:80", servers: [10.3.0.11] }\n`,
    );
    return path;
  }

  /** Runs one more beside it. */
  spawn(...more: string[]): LabProcess {
    return this.spawnWithout('', '--state', ...more);
  }

  spawnWithout(absent: string, ...more: string[]): LabProcess {
    const config = more.includes('--config') ? [] : ['--config', this.#config];
    const words = ['run', ...config, '--name', 'kept', '--device', 'tunvs0', ...more].filter((word) => word !== absent);
    return this.#stage.director.spawn([process.execPath, MAIN, ...words], { TUNVS_RUNTIME_DIR: this.#folder });
  }

  tunvs(...words: string[]): Promise<ExecResult> {
    const environment = ['env', `TUNVS_RUNTIME_DIR=${this.#folder}`];
    return this.#stage.director.tryExec([...environment, process.execPath, MAIN, ...words]);
  }

  breakConfig(): void {
    this.#text = readFileSync(this.#config, 'utf8');
    writeFileSync(this.#config, `${this.#text}nonsense: true\n`);
  }

  mendConfig(): void {
    writeFileSync(this.#config, this.#text);
  }

  /** Starts it, and returns the line that says it is ready. */
  async start(...more: string[]): Promise<string> {
    this.daemon = this.spawn(...more);
    return this.daemon.line((line) => line.startsWith('tunvs run: ready'));
  }

  async startClients(): Promise<void> {
    const { client, virtualAddress } = this.#stage;
    const request = { address: virtualAddress, port: PORT };
    this.steady = await SteadyClient.open(client, { ...request, connections: CONNECTIONS, intervalMs: 20 });
    this.#load = await Agent.connect(client.node(program('load-client')));
    await this.#load.call('start', { ...request, workers: 8, mostIdleMs: 40, timeoutMs: 60_000 });
    this.#counting = await Agent.connect(client.node(program('counting-client')));
    await this.#counting.call('start', { ...request, sockets: 10, intervalMs: 5 });
  }

  async stopClients(): Promise<KeptResult> {
    const [short, datagrams] = await Promise.all([
      this.#load.call<LoadResult>('stop'),
      this.#counting.call<KeptResult['datagrams']>('stop'),
    ]);
    return { short, datagrams };
  }
}
