/** `tunvs run --keepalived`: a file that keepalived takes checks real servers, moves traffic, and is reloaded. */
import { strict as assert } from 'node:assert';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { eventually } from '../support/eventually.js';
import { describeLab, type LabProcess, TestStage } from '../support/lab.js';
import { Operated } from '../support/operated.js';

const SERVERS = 3;

describeLab("tunvs run from keepalived's configuration", function () {
  this.timeout(120_000);
  let stage: TestStage;
  let operated: Operated;
  let daemon: LabProcess;
  let addresses: string[];

  before(async () => {
    stage = await TestStage.open({ realServers: SERVERS });
    operated = new Operated(stage.director);
    mkdirSync(operated.path('up'));
    writeFileSync(operated.path('check'), `#!/bin/sh\ntest -e ${operated.folder}/up/$1\n`, { mode: 0o755 });
    addresses = stage.servers.map(({ address }) => address);
  });

  beforeEach(async () => {
    for (const address of addresses) setUp(address, true);
    configure(addresses.slice(0, 2));
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

  function configure(real: readonly string[], { inhibit = false } = {}): void {
    const servers = real.map(
      (address, index) => `real_server ${address} 80 {
    weight ${index + 1}
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
  ${inhibit ? 'inhibit_on_failure' : ''}
  sorry_server ${addresses[2]} 80
  ${servers.join('\n  ')}
}
`;
    operated.write('keepalived.conf', text);
  }

  async function holds(expected: Record<string, number>): Promise<void> {
    const isSo = (seen: Record<string, number>) => isDeepStrictEqual(seen, expected);
    await eventually(() => operated.weights(), isSo, `the director holds ${JSON.stringify(expected)}`);
  }

  it('takes a server out that fails and in again, and its script runs', async () => {
    const [first = '', second = ''] = addresses;
    await holds({ [first]: 1, [second]: 2 });
    const { failures, servers } = await stage.fetchMany({ requests: 20, concurrency: 5 });
    assert.deepEqual(failures, []);
    assert.equal(Object.keys(servers).length, 2);
    setUp(first, false);
    await holds({ [second]: 2 });
    const { servers: left } = await stage.fetchMany({ requests: 5, concurrency: 1 });
    assert.equal(Object.keys(left).length, 1);
    setUp(first, true);
    await holds({ [first]: 1, [second]: 2 });
    await stage.director.exec(['test', '-e', operated.path(`down-${first}`)]);
  });

  it('gives way to the sorry server', async () => {
    const [first = '', second = '', third = ''] = addresses;
    for (const address of [first, second]) setUp(address, false);
    await holds({ [third]: 1 });
    assert.deepEqual((await stage.fetchMany({ requests: 5, concurrency: 1 })).failures, []);
    setUp(second, true);
    await holds({ [second]: 2 });
  });

  it('takes what has changed on SIGHUP, keeps what is known of servers, and refuses mistakes', async () => {
    const [first = '', second = ''] = addresses;
    setUp(second, false);
    await holds({ [first]: 1 });
    configure([first, second], { inhibit: true });
    daemon.kill('SIGHUP');
    await holds({ [first]: 1, [second]: 0 });
    operated.write('keepalived.conf', 'virtual_server nonsense {\n}\n');
    const refused = await operated.tunvs('reload');
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /keepalived\.conf:1:1: "nonsense" is no address/);
    await holds({ [first]: 1, [second]: 0 });
  });
});
