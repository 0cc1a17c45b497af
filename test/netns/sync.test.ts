/** Two directors: what the clients have through the one goes on through the other, which was told of it. */
import { strict as assert } from 'node:assert';
import type { NativeSyncBackup, NativeSyncMaster } from '../../lib/native/sync.js';
import { describeLab, PORT, TestStage } from '../support/lab.js';
import { eventuallyHolds } from '../support/eventually.js';
import { Operated } from '../support/operated.js';
import { SteadyClient } from '../support/steady.js';

const CONNECTIONS = 40;
const SECOND = '10.6.0.2';
/** The link between the directors. */
const LINK = 'eth1';
const DAEMON = ['--mcast-interface', LINK, '--syncid', '7', '--mcast-port', '9000'];

interface Daemons {
  daemons: ((NativeSyncMaster | NativeSyncBackup) & { role: string })[];
}

describeLab('a second director that is told of the connections', () => {
  let stage: TestStage;
  let first: Operated;
  let second: Operated;

  before(async () => {
    stage = await TestStage.open({ realServers: 2, directors: ['10.2.0.2', SECOND] });
    const { lab, router, director } = stage.topology;
    const other = await lab.addHost('second');
    lab.connect(other, 'eth0', router, 'second');
    other.ip([`address add ${SECOND}/24 dev eth0`, 'route add default via 10.6.0.1']);
    router.ip(['address add 10.6.0.1/24 dev second']);
    lab.connect(director, LINK, other, LINK);
    director.ip([`address add 10.7.0.1/24 dev ${LINK}`]);
    other.ip([`address add 10.7.0.2/24 dev ${LINK}`]);
    first = new Operated(director);
    second = new Operated(other);
    await Promise.all([start(first, '10.2.0.2'), start(second, SECOND)]);
  });

  after(async () => {
    await Promise.all([first, second].map((each) => each[Symbol.asyncDispose]()));
    await stage.close();
  });

  async function start(operated: Operated, source: string): Promise<void> {
    const servers = stage.servers.map(({ address }) => `      - ${address}\n`).join('');
    const config = operated.write(
      'tunvs.yaml',
      `source: ${source}
device: { queues: 1 }
maxConnections: 65536
services:
  - listen: tcp ${stage.virtualAddress}:${PORT}
    scheduler: rr
    servers:
${servers}`,
    );
    await operated.start(['--config', config]);
  }

  async function adm(operated: Operated, ...words: string[]): Promise<string> {
    const { code, stdout, stderr } = await operated.adm(...words);
    assert.deepEqual([code, stderr], [0, ''], words.join(' '));
    return stdout;
  }

  async function daemon(operated: Operated, role: string) {
    const { daemons } = JSON.parse(await adm(operated, '-L', '--daemon', '--json')) as Daemons;
    return daemons.find((each) => each.role === role);
  }

  /** Has the clients' packets go to the director with this address. */
  function routeTo(address: string): void {
    stage.topology.router.ip([`route replace ${stage.virtualAddress}/32 via ${address}`]);
  }

  const established = async (operated: Operated) =>
    (await adm(operated, '-Lnc')).split('\n').filter((line) => line.includes('ESTABLISHED')).length;

  it('has them go on when their packets come to it, there and back', async () => {
    for (const operated of [first, second]) await adm(operated, '--sysctl', 'sync_ports=2');
    await adm(first, '--start-daemon', 'master', ...DAEMON);
    await adm(second, '--start-daemon', 'backup', ...DAEMON);
    const settings = 'maxlen=1472, group=224.0.0.81, port=9000, ttl=1';
    assert.equal(await adm(first, '-L', '--daemon'), `master sync daemon (mcast=${LINK}, syncid=7, ${settings})\n`);
    const again = await first.adm('--start-daemon', 'master', ...DAEMON);
    assert.deepEqual([again.code, again.stderr], [255, 'Daemon has already run\n']);
    const none = await first.adm('--start-daemon', 'backup', '--mcast-interface', 'nosuch0');
    assert.deepEqual([none.code, none.stderr], [255, 'No such device\n']);

    const steady = await SteadyClient.open(stage.client, {
      ...{ address: stage.virtualAddress, port: PORT },
      ...{ connections: CONNECTIONS, intervalMs: 50 },
    });
    assert.deepEqual((await steady.answered(2)).failures, []);
    await eventuallyHolds(async () => assert.equal(await established(second), CONNECTIONS));
    routeTo(SECOND);
    assert.deepEqual((await steady.answered(4)).failures, []);
    const { records = 0, messages = 0 } = (await daemon(first, 'master')) ?? {};
    const told = (await daemon(second, 'backup')) as NativeSyncBackup;
    assert.ok(records >= CONNECTIONS && messages >= 1);
    assert.equal(told.outcomes.made, CONNECTIONS);
    assert.deepEqual([told.messagesLost, told.waiting, told.ports], [0, 0, 2]);

    // The roles change, and the clients come back; what the second director opened meanwhile is told to the first.
    await adm(first, '--stop-daemon', 'master');
    await adm(second, '--stop-daemon', 'backup');
    await adm(first, '--start-daemon', 'backup', ...DAEMON);
    await adm(second, '--start-daemon', 'master', ...DAEMON);
    const later = await SteadyClient.open(stage.client, {
      ...{ address: stage.virtualAddress, port: PORT },
      ...{ connections: CONNECTIONS, intervalMs: 50 },
    });
    assert.deepEqual((await later.answered(2)).failures, []);
    await eventuallyHolds(async () => assert.equal(await established(first), 2 * CONNECTIONS));
    routeTo('10.2.0.2');
    assert.deepEqual((await steady.answered(4)).failures, []);
    assert.deepEqual((await later.answered(4)).failures, []);
    assert.deepEqual((await steady.stop()).failures, []);
    assert.deepEqual((await later.stop()).failures, []);
    const stopped = await first.adm('--stop-daemon', 'master');
    assert.deepEqual([stopped.code, stopped.stderr], [255, 'No daemon is running\n']);
  });

  it('carries nothing with backup_only', async () => {
    await adm(first, '--sysctl', 'backup_only=1');
    await assert.rejects(stage.fetch({ timeoutMs: 400 }));
    await adm(first, '--sysctl', 'backup_only=0');
    await stage.fetch();
  });
});
