/** keepalived itself decides which of two directors is active, with the files of examples/keepalived. */
import { strict as assert } from 'node:assert';
import type { LabProcess } from '../../lib/lab/lab-process.js';
import { DirectorPair, type PairNode } from '../support/director-pair.js';
import { eventuallyHolds } from '../support/eventually.js';
import { hasProgram } from '../support/has-program.js';
import { describeLab, PORT, UPLINK } from '../support/lab.js';
import { SteadyClient } from '../support/steady.js';

const CONNECTIONS = 20;

describeLab('two directors and keepalived', function () {
  this.timeout(120_000);
  let pair: DirectorPair;
  let steady: SteadyClient;
  const running = new Map<PairNode, LabProcess>();

  before(async function () {
    if (!hasProgram('keepalived') || !hasProgram('curl')) this.skip();
    pair = await DirectorPair.open();
    for (const node of pair.nodes) await pair.start(node);
    for (const node of pair.nodes) running.set(node, pair.keepalived(node));
    await pair.untilOneIsActive();
    const address = pair.stage.virtualAddress;
    const request = { address, port: PORT, connections: CONNECTIONS, intervalMs: 100 };
    steady = await SteadyClient.open(pair.stage.client, request);
  });

  after(async () => {
    for (const each of running.values()) await each.stop();
    await pair?.[Symbol.asyncDispose]();
  });

  /** New connections are answered, and those that were there go on. */
  async function assertServed(): Promise<void> {
    await eventuallyHolds(async () => {
      const { failures } = await pair.stage.fetchMany({ requests: 20, concurrency: 5 });
      assert.deepEqual(failures, []);
    });
    const { failures } = await steady.answered(1);
    assert.deepEqual(failures, []);
  }

  it('one is active, and serves', assertServed);

  it('the other takes over when the cable is pulled, and keeps the role when it is back', async () => {
    const first = await pair.active();
    const { router } = pair.stage.topology;
    router.ip([`link set dev ${first.name} down`]);
    await pair.untilActive(pair.other(first));
    await assertServed();
    router.ip([`link set dev ${first.name} up`]);
    await pair.untilOneIsActive();
    assert.equal(await pair.active(), pair.other(first), 'nobody preempts');
    await assertServed();
  });

  it('the other takes over when the director is killed; one that is started anew is a standby', async () => {
    const first = await pair.active();
    await first.director?.stop('SIGKILL');
    await pair.untilActive(pair.other(first));
    await assertServed();
    await pair.start(first);
    await pair.untilOneIsActive();
    assert.equal(await pair.active(), pair.other(first));
  });

  it('a director that is started anew before anybody has noticed gets its role again', async () => {
    const first = await pair.active();
    await first.director?.stop('SIGKILL');
    await pair.start(first);
    await pair.untilOneIsActive();
    await assertServed();
  });

  it('both are active while the LAN is split, and one when it is whole, which the LAN then knows', async () => {
    const { router } = pair.stage.topology;
    const isolate = async (word: 'on' | 'off') => {
      for (const { name } of pair.nodes) await router.exec(['bridge', 'link', 'set', 'dev', name, 'isolated', word]);
    };
    await isolate('on');
    await pair.untilRoles((roles) => roles.every((role) => role === 'active'), 'both are active');
    await isolate('off');
    await pair.untilOneIsActive();
    const winner = await pair.active();
    const { stdout } = await winner.host.exec(['cat', `/sys/class/net/${UPLINK}/address`]);
    await eventuallyHolds(async () => {
      const neighbour = await router.exec(['ip', 'neigh', 'show', pair.stage.virtualAddress]);
      assert.match(neighbour.stdout, new RegExp(`lladdr ${stdout.trim()} `));
    });
    await assertServed();
  });

  it('no connection was reset by any of it', async () => {
    assert.deepEqual((await steady.stop()).failures, []);
  });
});
