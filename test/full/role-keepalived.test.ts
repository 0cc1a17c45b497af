/** keepalived itself decides which of two directors is active, with the files of examples/keepalived. */
import { strict as assert } from 'node:assert';
import type { LabProcess } from '../../lib/lab/lab-process.js';
import { DirectorPair, type PairNode } from '../support/director-pair.js';
import { eventually, eventuallyHolds } from '../support/eventually.js';
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

  it('a director that is drained gives its addresses to the other, and leaves them there', async function () {
    if (!hasProgram('etcd')) this.skip();
    const first = await pair.active();
    const { router } = pair.stage.topology;
    const [url, prefix] = ['http://10.2.0.1:2379', '/tunvs/site'];
    const etcd = router.spawn([
      ...['etcd', '--data-dir', first.operated.path('etcd'), '--log-level', 'error', '--listen-client-urls', url],
      ...['--advertise-client-urls', url, '--listen-peer-urls', 'http://127.0.0.1:2380'],
    ]);
    const fleet = (...words: string[]) => first.operated.tunvs('fleet', '--etcd', url, '--prefix', prefix, ...words);
    await eventually(fleet, ({ code }) => code === 0, 'etcd is there');
    const key = Buffer.from(`${prefix}/director`).toString('base64');
    const nothing = JSON.stringify({ key, value: Buffer.from('{}').toString('base64') });
    await router.exec(['curl', '-sSf', `${url}/v3/kv/put`, '-d', nothing]);
    for (const node of [pair.other(first), first]) {
      await node.director?.stop();
      const cache = node.operated.path('cache.json');
      await pair.start(node, { etcd: { endpoints: [url], prefix, member: node.name, lease: '2s', cache } });
      await pair.untilOneIsActive();
    }
    await eventually(fleet, ({ stdout }) => (stdout.match(/ \d\/\d up /g) ?? []).length === 2, 'both are of the fleet');
    const active = await pair.active();
    const refused = await fleet('drain', active.name);
    assert.match(refused.stderr, /no other director is active.*--failover/);
    const drained = await fleet('drain', active.name, '--failover');
    assert.equal(drained.code, 0, drained.stderr);
    await pair.untilActive(pair.other(active));
    await assertServed();
    // keepalived has made it a standby meanwhile, which is the last word.
    await eventuallyHolds(async () => {
      const { stdout } = await active.operated.as([], ['cat', `${active.operated.run}/tunvs.role`]);
      assert.equal(stdout, 'standby\n');
    });
    assert.match((await fleet('undrain', active.name)).stdout, /no longer to be drained: it is a standby/);
    await assertServed();
    assert.equal(await pair.active(), pair.other(active));
    await etcd.stop();
  });

  it('no connection was reset by any of it', async () => {
    assert.deepEqual((await steady.stop()).failures, []);
  });
});
