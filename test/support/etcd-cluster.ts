/** Three members of etcd, each on a host of its own at one bridge, which tests kill, pause and cut off. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './eventually.js';
import type { Lab, LabHost, LabProcess } from './lab.js';

export const base64 = (text: string) => Buffer.from(text).toString('base64');

export class EtcdMember {
  readonly name: string;
  readonly host: LabHost;
  readonly address: string;
  /** Its interface at the bridge. */
  readonly port: string;
  process: LabProcess | undefined;

  constructor(name: string, host: LabHost, address: string, port: string) {
    [this.name, this.host, this.address, this.port] = [name, host, address, port];
  }

  get endpoint(): string {
    return `http://${this.address}:2379`;
  }
}

export class EtcdCluster implements Disposable {
  readonly members: readonly EtcdMember[];
  /** Whence it is asked. */
  readonly bridge: LabHost;
  readonly #folder = mkdtempSync(join(tmpdir(), 'tunvs-etcd-'));

  static async open(lab: Lab, bridge: LabHost): Promise<EtcdCluster> {
    const members: EtcdMember[] = [];
    for (const at of [1, 2, 3]) {
      const host = await lab.addHost(`etcd${at}`);
      const member = new EtcdMember(`m${at}`, host, `10.2.0.${50 + at}`, `store${at}`);
      lab.connect(host, 'lan', bridge, member.port);
      bridge.ip([`link set ${member.port} master br0`]);
      host.ip([`address add ${member.address}/24 dev lan`]);
      members.push(member);
    }
    return new EtcdCluster(members, bridge);
  }

  private constructor(members: readonly EtcdMember[], bridge: LabHost) {
    [this.members, this.bridge] = [members, bridge];
  }

  get endpoints(): string {
    return this.members.map(({ endpoint }) => endpoint).join(',');
  }

  start(...members: EtcdMember[]): void {
    const all = this.members.map(({ name, address }) => `${name}=http://${address}:2380`).join(',');
    for (const member of members.length === 0 ? this.members : members) {
      const { name, host, address, endpoint } = member;
      const peer = `http://${address}:2380`;
      member.process = host.spawn([
        ...['etcd', '--name', name, '--data-dir', join(this.#folder, name), '--log-level', 'error'],
        ...['--listen-client-urls', endpoint, '--advertise-client-urls', endpoint],
        ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', all],
        // Elections as fast as a lab's links allow.
        ...['--heartbeat-interval', '50', '--election-timeout', '500'],
      ]);
    }
  }

  /** By SIGKILL. */
  async kill(...members: EtcdMember[]): Promise<void> {
    for (const { process } of members) process?.kill('SIGKILL');
    for (const { process } of members) await process?.exited;
  }

  /** Takes the member's cable out, or puts it in. */
  link(member: EtcdMember, state: 'up' | 'down'): void {
    this.bridge.ip([`link set ${member.port} ${state}`]);
  }

  /** Asks a member that answers, of these. */
  async ask(path: string, body: object, among = this.members): Promise<Record<string, unknown>> {
    let last = '';
    for (const { endpoint } of among) {
      const words = ['curl', '-sS', '-m', '3', `${endpoint}/v3/${path}`, '-d', JSON.stringify(body)];
      const { code, stdout, stderr } = await this.bridge.tryExec(words);
      const answer = code === 0 ? (JSON.parse(stdout) as Record<string, unknown>) : { error: stderr };
      if (answer.error === undefined) return answer;
      last = `${endpoint}: ${String(answer.error)}`;
    }
    throw new Error(last);
  }

  /** Waits until a majority takes what is put. Returns the revision. */
  async put(key: string, value: string, among = this.members): Promise<string> {
    const body = { key: base64(key), value: base64(value) };
    const { header } = await eventually(
      () => this.ask('kv/put', body, among).catch((): Record<string, unknown> => ({})),
      (found) => found.header !== undefined,
      `${key} is put`,
    );
    return (header as { revision: string }).revision;
  }

  async leader(among = this.members): Promise<EtcdMember> {
    const found = await eventually(
      async () => {
        for (const member of among) {
          const status = await this.ask('maintenance/status', {}, [member]).catch(() => undefined);
          const { member_id: own } = (status?.header ?? {}) as { member_id?: string };
          if (own !== undefined && own === status?.leader) return member;
        }
        return undefined;
      },
      (member) => member !== undefined,
      'a member leads',
    );
    return found as EtcdMember;
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
