/** `tunvs run --keepalived`: a file that keepalived takes checks real servers, moves traffic, and is reloaded. */
import { strict as assert } from 'node:assert';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { eventually } from '../support/eventually.js';
import { describeLab, type LabProcess, TestStage } from '../support/lab.js';
import { Operated } from '../support/operated.js';

/** The last one is the sorry server. */
const SERVERS = 3;

describeLab("tunvs run from keepalived's configuration", function () {
  this.timeout(120_000);
  let stage: TestStage;
  let operated: Operated;
  let daemon: LabProcess;
  let addresses: string[];
  let sorry: string;

  before(async () => {
    stage = await TestStage.open({ realServers: SERVERS });
    operated = new Operated(stage.director);
    mkdirSync(operated.path('up'));
    writeFileSync(operated.path('check'), `#!/bin/sh\ntest -e ${operated.folder}/up/$1\n`, { mode: 0o755 });
    const all = stage.servers.map(({ address }) => address);
    sorry = all.pop() ?? '';
    addresses = all;
  });

  beforeEach(async () => {
    for (const address of addresses) setUp(address, true);
    configure(addresses);
    const file = operated.path('keepalived.conf');
    daemon = await operated.start(['--keepalived', file, '--source', stage.topology.directorAddress, '--queues', '1']);
  });

  afterEach(() => operated?.stop());

  after(async () => {
    await operated?.[Symbol.asyncDispose]();
    await stage?.close();
  });

  function setUp(address: string, isUp: boolean): void {
    const file = join(operated.folder, 'up', address);
    if (isUp) writeFileSync(file, '');
    else rmSync(file);
  }

  function configure(real: readonly string[], weight = 1): void {
    const servers = real.map(
      (address) => `real_server ${address} 80 {
    weight ${weight}
    TCP_CHECK { connect_timeout 2 }
    MISC_CHECK { misc_path "${operated.folder}/check ${address}" }
    notify_down "/bin/touch ${operated.folder}/down-${address}"
  }`,
    );
    const text = `vrrp_instance VI_1 { interface eth0 }
virtual_server ${stage.virtualAddress} 80 {
  protocol TCP
  lvs_sched wrr
  lvs_method TUN
  delay_loop 0.3
  delay_before_retry 0.1
  sorry_server ${sorry} 80
  ${servers.join('\n  ')}
}
`;
    operated.write('keepalived.conf', text);
  }

  /** The states of the two servers as `tunvs status` shows them. */
  async function states(): Promise<Record<string, string>> {
    const { stdout } = await operated.tunvs('status');
    const rows = [...stdout.matchAll(/^ +([\d.]+):80 +(\w+)/gm)].map(([, address = '', state = '']) => [
      address,
      state,
    ]);
    return Object.fromEntries(rows.filter(([address = '']) => addresses.includes(address)));
  }

  async function holds(expected: Record<string, string>): Promise<void> {
    const isSo = (seen: Record<string, string>) => isDeepStrictEqual(seen, expected);
    await eventually(states, isSo, `the states are ${JSON.stringify(expected)}`);
  }

  /** Returns the names of the servers that answer 12 requests, all of which must be answered. */
  async function answering(): Promise<string[]> {
    const { failures, servers } = await stage.fetchMany({ requests: 12, concurrency: 3 });
    assert.deepEqual(failures, []);
    return Object.keys(servers).sort();
  }

  it('says which server fails and when it is back, and runs its script', async () => {
    const [first = '', second = ''] = addresses;
    await holds({ [first]: 'up', [second]: 'up' });
    const both = await answering();
    assert.equal(both.length, 2);
    setUp(first, false);
    await holds({ [first]: 'down', [second]: 'up' });
    const left = await answering();
    assert.equal(left.length, 1, 'nobody gets to the server that fails');
    assert.ok(both.includes(left[0] ?? ''));
    setUp(first, true);
    await holds({ [first]: 'up', [second]: 'up' });
    assert.deepEqual(await answering(), both);
    await stage.director.exec(['test', '-e', operated.path(`down-${first}`)]);
  });

  it('moves the traffic to the sorry server once all have failed, and back', async () => {
    const [first = '', second = ''] = addresses;
    await holds({ [first]: 'up', [second]: 'up' });
    const both = await answering();
    for (const address of addresses) setUp(address, false);
    await holds({ [first]: 'down', [second]: 'down' });
    const [name = '', ...others] = await answering();
    assert.deepEqual(others, []);
    assert.ok(name !== '' && !both.includes(name), `${name} answers in place of ${both.join(' and ')}`);
    const { stdout } = await operated.tunvs('health');
    assert.match(stdout, / 0\/2 up .*the sorry servers are in force/);
    setUp(second, true);
    await holds({ [first]: 'down', [second]: 'up' });
    const [back = '', ...more] = await answering();
    assert.deepEqual(more, []);
    assert.ok(both.includes(back), `${back} is a real server`);
    assert.match((await operated.tunvs('health')).stdout, / 1\/2 up/);
  });

  it('takes what has changed on SIGHUP, keeps what is known of servers, and refuses mistakes', async () => {
    const [first = '', second = ''] = addresses;
    setUp(second, false);
    await holds({ [first]: 'up', [second]: 'down' });
    configure([first, second], 5);
    daemon.kill('SIGHUP');
    const weights = () => operated.weights();
    await eventually(weights, (seen) => seen[first] === 5, 'the weight of the file is in force');
    assert.deepEqual(await states(), { [first]: 'up', [second]: 'down' });
    operated.write('keepalived.conf', 'virtual_server nonsense {\n}\n');
    const refused = await operated.tunvs('reload');
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /keepalived\.conf:1:1: "nonsense" is no address/);
    assert.deepEqual(await states(), { [first]: 'up', [second]: 'down' });
  });
});
