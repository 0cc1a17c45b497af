/** `tunvs run` as it is operated on a host of a lab: its files, its sockets, and the commands that ask it. */
import { strict as assert } from 'node:assert';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HealthOverview } from '../../lib/control/schema/health.js';
import type { ExecResult, LabHost } from '../../lib/lab/lab-host.js';
import type { LabProcess, ProcessExit } from '../../lib/lab/lab-process.js';
import { beforeOnLoneHost } from './lone-host.js';
import { ADM } from './tunvsadm.js';

export const MAIN = new URL('../../lib/cli/main.js', import.meta.url).pathname;

export const OPERATED_SOURCE = '10.2.0.2';

/** A configuration with one service, whose servers are named with their weights. */
export function operatedConfig(servers: Record<string, number>, more = ''): string {
  const list = Object.entries(servers).map(([address, weight]) => `      - { address: ${address}, weight: ${weight} }`);
  return `source: ${OPERATED_SOURCE}
device: { queues: 1 }
${more}
services:
  - listen: tcp 10.9.9.9:80
    scheduler: wrr
    servers:
${list.join('\n')}
`;
}

export interface StartOptions {
  /** Words before `tunvs run`, as of setpriv(1). */
  before?: readonly string[];
  environment?: Record<string, string>;
}

export class Operated {
  readonly host: LabHost;
  readonly folder: string;
  readonly #running: LabProcess[] = [];

  constructor(host: LabHost) {
    this.host = host;
    this.folder = mkdtempSync(join(tmpdir(), 'tunvs-operated-'));
    // Other users find the socket in it.
    chmodSync(this.folder, 0o755);
  }

  /** In the place of /run/tunvs. */
  get run(): string {
    return join(this.folder, 'run');
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  write(name: string, text: string): string {
    const path = this.path(name);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, text);
    return path;
  }

  /** `tunvs run` with these words. */
  spawn(words: readonly string[], { before = [], environment = {} }: StartOptions = {}): LabProcess {
    const started = this.host.spawn([...before, process.execPath, MAIN, 'run', ...words], {
      TUNVS_RUNTIME_DIR: this.run,
      ...environment,
    });
    this.#running.push(started);
    return started;
  }

  async start(words: readonly string[], options?: StartOptions): Promise<LabProcess> {
    const daemon = this.spawn(words, options);
    await daemon.line((line) => line.startsWith('tunvs run: ready'));
    return daemon;
  }

  tunvs(...words: string[]): Promise<ExecResult> {
    return this.as([], [process.execPath, MAIN, ...words]);
  }

  adm(...words: string[]): Promise<ExecResult> {
    return this.as([], [process.execPath, ADM, ...words]);
  }

  /** Asks a daemon by curl, which prints the answer's body and its status on a line of its own. */
  curl(words: readonly string[], name = 'tunvs'): Promise<ExecResult> {
    return this.as(
      [],
      ['curl', '-sS', '-w', '\n%{http_code}', '--unix-socket', join(this.run, `${name}.sock`), ...words],
    );
  }

  as(before: readonly string[], argv: readonly string[], input = ''): Promise<ExecResult> {
    return this.host.tryExec([...before, 'env', `TUNVS_RUNTIME_DIR=${this.run}`, ...argv], { input });
  }

  /** What is known of health, by service. Asking by curl costs little, so that it may be asked often. */
  async health(): Promise<HealthOverview['services']> {
    const { code, signal, stdout, stderr } = await this.curl(['--fail', 'http://tunvs/v1/health']);
    assert.deepEqual([code, signal], [0, null], `GET /v1/health: ${stderr}`);
    return (JSON.parse(stdout.slice(0, stdout.lastIndexOf('\n'))) as HealthOverview).services;
  }

  /** The rules that are in force. */
  async rules(...words: string[]): Promise<string[]> {
    const { stdout, stderr } = await this.adm('-Sn', ...words);
    return (stdout + stderr).trim().split('\n');
  }

  /** Servers' weights by address. */
  async weights(...words: string[]): Promise<Record<string, number>> {
    const rules = (await this.rules(...words)).map((line) => /-r (\S+):\d+ .*-w (\d+)/.exec(line));
    return Object.fromEntries(rules.flatMap((found) => (found ? [[found[1], Number(found[2])]] : [])));
  }

  /** What differs on the host while a director runs. */
  async hostState(): Promise<string> {
    const show =
      'ip -o link show | cut -d: -f2; ip route show table all; ip rule; sysctl -a 2>/dev/null | grep -E "rp_filter|forward"';
    return (await this.host.exec(['sh', '-c', show])).stdout;
  }

  async stop(): Promise<ProcessExit[]> {
    return Promise.all(this.#running.splice(0).map((each) => each.stop()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    // A killed director's guardian may still write there.
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}

/** A host of its own for the suite that this is called in, and on it the files of a daemon for each test. */
export function beforeEachOperated(use: (operated: Operated) => Promise<void> | void): void {
  let host: LabHost;
  let operated: Operated;

  beforeOnLoneHost((lone) => {
    host = lone;
  });

  beforeEach(async () => {
    operated = new Operated(host);
    await use(operated);
  });

  afterEach(async () => {
    await operated[Symbol.asyncDispose]();
  });
}
