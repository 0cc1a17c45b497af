/** Directors of a fleet as `tunvs run --etcd` makes them, within the test and without devices. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { configurationOf } from '../../lib/cli/run/configuration-of.js';
import type { Configuration } from '../../lib/cli/run/configuration.js';
import type { RunOptions } from '../../lib/cli/run/options.js';
import type { Running } from '../../lib/daemon/daemon.js';
import { Director } from '../../lib/director/director.js';
import { eventually } from './eventually.js';
import { FakeEtcd } from './fake-etcd.js';

export const PREFIX = '/tunvs/site';
export const WEB = `${PREFIX}/services/web`;

/** A director that runs. */
export interface FleetRun {
  member: string;
  found: Configuration;
  director: Director;
  weights: () => string[];
  end: () => Promise<void>;
}

export interface RunWish extends RunOptions {
  /** Gets the director before it holds anything. */
  prepare?: (director: Director) => void;
}

export class FleetRuns implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'tunvs-fleet-'));
  /** What all of them have told: the event, and the sentence. */
  readonly told: string[] = [];
  readonly #etcd: FakeEtcd;
  readonly #running: FleetRun[] = [];

  /** One service with one server stands in etcd. */
  constructor(etcd: FakeEtcd) {
    this.#etcd = etcd;
    etcd.put(WEB, 'listen: tcp 192.0.2.1:80');
    etcd.put(`${WEB}/servers/a`, '{ address: 10.3.0.11, weight: 3 }');
  }

  cacheOf(member = 'lb1'): string {
    return join(this.folder, `${member}.json`);
  }

  /** What the member keeps for a start without etcd. */
  saved(member?: string) {
    return JSON.parse(readFileSync(this.cacheOf(member), 'utf8')) as { changedAt: number; drain?: object };
  }

  write(name: string, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    return path;
  }

  has(name: string): boolean {
    return existsSync(join(this.folder, name));
  }

  /** Without `etcd`, that one is meant; a value that is undefined is left out. */
  configuration(more: RunOptions = {}): Promise<Configuration> {
    const nowhere = Object.assign(new Writable({ write: (_chunk, _encoding, done) => done() }), { isTTY: false });
    const io = { stdin: Readable.from([]), stdout: nowhere, stderr: nowhere };
    const { etcdMember: member = 'lb1' } = more;
    const options = {
      etcd: [this.#etcd.url],
      prefix: PREFIX,
      etcdCache: this.cacheOf(member),
      source: ['10.2.0.2'],
      etcdMember: member,
      ...more,
    };
    const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
    return configurationOf(given, io, () => (_level, event, sentence) => void this.told.push(`${event}: ${sentence}`));
  }

  /** `opened` is the role of a director that another process has had before, where one is taken over. */
  async run({ prepare, ...more }: RunWish = {}, opened?: 'active' | 'standby'): Promise<FleetRun> {
    const found = await this.configuration(more);
    await found.plan();
    const director = Director.offline({ source: '10.2.0.2', maxConnections: 1024 }) as unknown as Director;
    prepare?.(director);
    director.setRole(opened ?? found.open.role ?? 'active');
    const parts = { director, over: new AbortController().signal } as unknown as Running;
    try {
      await found.begin(parts);
    } catch (error) {
      await director.close();
      await found.end();
      throw error;
    }
    const attached = found.fleet?.(async () => {
      try {
        return await found.reload({});
      } catch (error) {
        this.told.push(`refused: ${(error as Error).message}`);
        throw error;
      }
    })(parts);
    await attached?.listen?.();
    const end = async () => {
      attached?.detach?.();
      await director.close();
      await attached?.end?.();
      await found.end();
    };
    const weights = () =>
      director.virtualServices.flatMap(({ realServers }) =>
        realServers.map(({ address, weight }) => `${address}=${weight}`),
      );
    const run = { member: more.etcdMember ?? 'lb1', found, director, weights, end };
    this.#running.push(run);
    return run;
  }

  /** How the one that runs by this name stands to its fleet. */
  membershipOf(member: string) {
    return this.#running.find((each) => each.member === member)?.found.membership;
  }

  tells(pattern: RegExp): Promise<string> {
    return eventually(
      async () => this.told.join('\n'),
      (text) => pattern.test(text),
      `it is told: ${pattern}`,
    );
  }

  /** The state that the member tells in etcd. */
  tellsFleet(pattern: RegExp, member = 'lb1'): Promise<string> {
    return eventually(
      async () => this.#etcd.keys.get(`${PREFIX}/state/${member}`)?.value ?? '',
      (text) => pattern.test(text),
      `${member} tells its fleet ${pattern}`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const each of this.#running.splice(0)) await each.end();
    rmSync(this.folder, { recursive: true });
  }
}

/** An etcd and the directors of a fleet for each test of the suite that this is called in. */
export function beforeEachFleet(use: (etcd: FakeEtcd, runs: FleetRuns) => void): void {
  let etcd: FakeEtcd;
  let runs: FleetRuns;
  beforeEach(async () => {
    etcd = await FakeEtcd.open();
    runs = new FleetRuns(etcd);
    use(etcd, runs);
  });
  afterEach(async () => {
    await runs[Symbol.asyncDispose]();
    await etcd.close();
  });
}
