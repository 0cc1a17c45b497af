/** Two directors as peers: a standby that begins late is told all, takes over, and is told again when it comes back. */
import { strict as assert } from 'node:assert';
import { chmodSync } from 'node:fs';
import type { SyncState } from '../../lib/director/sync.js';
import { describeLab, PORT, TestStage } from '../support/lab.js';
import { eventuallyHolds } from '../support/eventually.js';
import { Operated } from '../support/operated.js';
import { SteadyClient } from '../support/steady.js';

const CONNECTIONS = 40;
const KEY = 'one key for both of the directors';

describeLab('directors that are peers', () => {
  let stage: TestStage;
  let first: Operated;
  let second: Operated;

  before(async () => {
    stage = await TestStage.open({ realServers: 2, directors: ['10.2.0.2', '10.6.0.2'] });
    const { lab, router, director } = stage.topology;
    const other = await lab.addHost('second');
    lab.connect(other, 'eth0', router, 'second');
    other.ip(['address add 10.6.0.2/24 dev eth0', 'route add default via 10.6.0.1']);
    router.ip(['address add 10.6.0.1/24 dev second']);
    lab.connect(director, 'eth1', other, 'eth1');
    director.ip(['address add 10.7.0.1/24 dev eth1']);
    other.ip(['address add 10.7.0.2/24 dev eth1']);
    first = new Operated(director);
    second = new Operated(other);
  });

  after(async () => {
    await Promise.all([first, second].map((each) => each?.[Symbol.asyncDispose]()));
    await stage?.close();
  });

  async function start(operated: Operated, role: 'active' | 'standby', key = KEY) {
    const [source, peer] = operated === first ? ['10.2.0.2', '10.7.0.2'] : ['10.6.0.2', '10.7.0.1'];
    chmodSync(operated.write('sync.key', `# changed now and then\n${key}\n`), 0o600);
    const servers = stage.servers.map(({ address }) => `      - ${address}\n`).join('');
    const config = operated.write(
      'tunvs.yaml',
      `source: ${source}
device: { queues: 1 }
maxConnections: 65536
sync: { peers: [${peer}], keyFile: sync.key, syncid: 7 }
services:
  - listen: tcp ${stage.virtualAddress}:${PORT}
    scheduler: rr
    servers:
${servers}`,
    );
    return operated.start(['--config', config, '--role', role]);
  }

  async function sync(operated: Operated): Promise<SyncState> {
    const { code, stdout, stderr } = await operated.tunvs('sync', '--json');
    assert.deepEqual([code, stderr], [0, '']);
    return JSON.parse(stdout) as SyncState;
  }

  async function caughtUp(operated: Operated): Promise<void> {
    const { code, stdout, stderr } = await operated.tunvs('sync', '--wait', '30');
    assert.deepEqual([code, stderr], [0, ''], stdout);
  }

  const open = (intervalMs: number) =>
    SteadyClient.open(stage.client, {
      ...{ address: stage.virtualAddress, port: PORT },
      ...{ connections: CONNECTIONS, intervalMs },
    });

  async function established(operated: Operated): Promise<number> {
    const { stdout } = await operated.adm('-Lnc');
    return stdout.split('\n').filter((line) => line.includes('ESTABLISHED')).length;
  }

  /** Has the clients' packets go to the director. */
  function routeTo(operated: Operated): void {
    const by = operated === first ? '10.2.0.2' : '10.6.0.2';
    stage.topology.router.ip([`route replace ${stage.virtualAddress}/32 via ${by}`]);
  }

  async function role(operated: Operated, wanted: string): Promise<void> {
    const { code, stderr } = await operated.tunvs('role', wanted);
    assert.deepEqual([code, stderr], [0, '']);
  }

  it('lose no connection when one is killed, though the other began late, and none on the way back', async () => {
    let running = await start(first, 'active');
    const alone = await first.tunvs('sync', '--caught-up');
    assert.equal(alone.code, 1);
    assert.match(alone.stderr, /no peer is heard: look whether 10\.7\.0\.2 runs/);
    const steady = await open(50);
    // These say nothing while the other director begins, so that only a transfer can tell of them.
    const quiet = await open(5000);
    for (const each of [steady, quiet]) assert.deepEqual((await each.answered(1)).failures, []);

    const other = await start(second, 'standby');
    await Promise.all([caughtUp(first), caughtUp(second)]);
    assert.equal(await established(second), 2 * CONNECTIONS);
    const { master } = await sync(first);
    const { backup } = await sync(second);
    assert.deepEqual([master?.peers?.[0]?.state, backup?.peers?.[0]?.state], ['caughtUp', 'caughtUp']);
    assert.deepEqual([backup?.isSigned, backup?.peers?.[0]?.lost, backup?.peers?.[0]?.transfers], [true, 0, 1]);
    assert.match(
      (await second.tunvs('sync')).stdout,
      /^backup sync daemon \(peers=1, signed, syncid=7, .*\n {2}10\.7\.0\.1 caught up, heard \d+ ms ago, 0 messages lost\n$/,
    );

    await eventuallyHolds(async () => {
      assert.match(running.stderr, /sync: 10\.7\.0\.2 is caught up/);
      assert.match(other.stderr, /sync: 10\.7\.0\.1 has told all/);
    });

    running.kill('SIGKILL');
    await running.exited;
    await eventuallyHolds(async () => assert.match(other.stderr, /sync: 10\.7\.0\.1 is away/));
    await role(second, 'active');
    routeTo(second);
    assert.deepEqual((await steady.answered(3)).failures, []);
    const younger = await open(50);
    assert.deepEqual((await younger.answered(2)).failures, []);

    // The other comes back, is told all, and takes over again.
    running = await start(first, 'standby');
    await caughtUp(first);
    assert.equal(await established(first), 3 * CONNECTIONS);
    await role(second, 'standby');
    await role(first, 'active');
    routeTo(first);
    for (const each of [steady, younger]) assert.deepEqual((await each.answered(3)).failures, []);
    await caughtUp(second);
    for (const each of [steady, younger, quiet]) assert.deepEqual((await each.stop()).failures, []);
    const { backup: again } = await sync(second);
    assert.deepEqual([again?.refused.sealWrong, again?.refused.replayed], [0, 0]);
  });

  it('take nothing from a peer with another key', async () => {
    await second.stop();
    const daemon = await start(second, 'standby', 'not the key of the other director');
    await eventuallyHolds(async () => {
      const { backup, isCaughtUp } = await sync(second);
      assert.ok((backup?.refused.sealWrong ?? 0) > 0);
      assert.deepEqual([isCaughtUp, backup?.records, backup?.peers?.[0]?.state], [false, 0, 'away']);
    });
    await eventuallyHolds(async () => assert.match(daemon.stderr, /what 10\.7\.0\.1 sends is refused: sealWrong/));
    const { code, stderr } = await second.tunvs('sync', '--caught-up');
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^tunvs sync: no peer is heard, and what 10\.7\.0\.1 sends is refused: sealWrong, which docs\/sync\.md explains\n$/,
    );
    assert.equal(await established(second), 0);
    assert.equal((await sync(first)).isCaughtUp, false);
  });
});
