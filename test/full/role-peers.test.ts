/**
 * keepalived decides which of two directors is active, and prefers one of them; they are peers, and tell each other of
 * connections. The scheduler hashes nothing, so that what was not told is lost.
 *
 * TUNVS_SYNC_AGE_SECONDS=60 lets the connections become as old before their director fails.
 */
import { strict as assert } from 'node:assert';
import { chmodSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { syncOf } from '../support/asked-director.js';
import { DirectorPair, type PairNode } from '../support/director-pair.js';
import { eventuallyHolds } from '../support/eventually.js';
import { hasProgram } from '../support/has-program.js';
import { describeLab, PORT } from '../support/lab.js';
import { SteadyClient } from '../support/steady.js';

const CONNECTIONS = 200;
const AGE_MS = 1000 * Number(process.env.TUNVS_SYNC_AGE_SECONDS ?? '0');

describeLab('two directors that are peers, of which keepalived prefers one', function () {
  this.timeout(120_000 + AGE_MS);
  let pair: DirectorPair;
  let first: PairNode;
  let second: PairNode;
  let old: SteadyClient;

  before(async function () {
    if (!hasProgram('keepalived') || !hasProgram('curl')) this.skip();
    pair = await DirectorPair.open({ service: { scheduler: 'rr' }, isFirstPreferred: true });
    [first, second] = pair.nodes;
    for (const node of pair.nodes) await start(node);
    for (const node of pair.nodes) pair.keepalived(node);
    await pair.untilActive(first);
    await untilCaughtUp(second);
    const request = { address: pair.stage.virtualAddress, port: PORT, connections: CONNECTIONS, intervalMs: 100 };
    old = await SteadyClient.open(pair.stage.client, request);
    await assertGoOn();
  });

  after(() => pair?.[Symbol.asyncDispose]());

  async function start(node: PairNode): Promise<void> {
    const keyFile = node.operated.write('sync.key', 'the key of both of the directors');
    chmodSync(keyFile, 0o600);
    await pair.start(node, { sync: { peers: [node === first ? '10.7.0.2' : '10.7.0.1'], keyFile } });
  }

  const untilCaughtUp = (node: PairNode) =>
    eventuallyHolds(async () => assert.equal((await syncOf(node)).isCaughtUp, true));

  async function assertGoOn(): Promise<void> {
    const { failures, unanswered } = await old.answered(2);
    assert.deepEqual([failures, unanswered], [[], []]);
  }

  it('the other takes over when the director is killed, and nobody is reset', async () => {
    await delay(AGE_MS);
    await first.director?.stop('SIGKILL');
    await pair.untilActive(second);
    await assertGoOn();
  });

  it('the preferred one is back, and takes nothing over before it is caught up', async () => {
    const cable = (state: string) => first.host.ip([`link set dev eth1 ${state}`]);
    cable('down');
    await start(first);
    // keepalived sees that its director is there again after two seconds, and its advertisements are as far apart.
    for (let second = 0; second < 8; second++) {
      await delay(1000);
      assert.deepEqual(await pair.roles(), ['standby', 'active']);
    }
    assert.equal((await syncOf(first)).isCaughtUp, false);
    cable('up');
    await untilCaughtUp(first);
    await pair.untilActive(first);
    await pair.untilOneIsActive();
    await assertGoOn();
  });

  it('it takes them with what it has when the other one is gone', async () => {
    await untilCaughtUp(second);
    await first.director?.stop('SIGKILL');
    await pair.untilActive(second);
    await start(first);
    await second.director?.stop('SIGKILL');
    await pair.untilActive(first);
    const { failures } = await pair.stage.fetchMany({ requests: 20, concurrency: 5 });
    assert.deepEqual(failures, []);
    await old.stop();
  });
});
