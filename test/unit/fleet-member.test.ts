/** What a director tells its fleet, and what becomes of that: leases that end, and directors that disagree. */
import { strict as assert } from 'node:assert';
import { Director } from '../../lib/director/director.js';
import { EtcdClient } from '../../lib/fleet/etcd/client.js';
import { Layout } from '../../lib/fleet/layout.js';
import { LeaseKeeper } from '../../lib/fleet/lease-keeper.js';
import { fleetView, parseDrain } from '../../lib/fleet/overview.js';
import { ownState } from '../../lib/fleet/own-state.js';
import { Publisher } from '../../lib/fleet/publisher.js';
import { type MemberState, parseState } from '../../lib/fleet/state.js';
import { eventually } from '../support/eventually.js';
import { FakeEtcd } from '../support/fake-etcd.js';

const STATE: MemberState = {
  ...{ member: 'lb1', host: 'lb1', name: 'tunvs', version: '0.1.0', pid: 7, startedAtMs: 1, atMs: 2 },
  ...{ revision: 5, from: 'etcd', fingerprint: 'a', services: 1, servers: 2, serversUp: 2, connections: 3 },
  health: { 'tcp 192.0.2.1:80': { '10.3.0.1:80': 'up' } },
};

describe('keys under a lease', () => {
  let etcd: FakeEtcd;
  let client: EtcdClient;
  let keeper: LeaseKeeper;
  const leases: (string | undefined)[] = [];

  beforeEach(async () => {
    leases.length = 0;
    etcd = await FakeEtcd.open();
    client = new EtcdClient({ endpoints: [etcd.url], timeoutMs: 200 });
    keeper = new LeaseKeeper(client, { ttlSeconds: 1, retryMs: 20, changed: (lease) => void leases.push(lease) });
  });
  afterEach(async () => {
    await keeper.close();
    client.close();
    await etcd.close();
  });

  const holds = (value: string | undefined) =>
    eventually(
      async () => etcd.keys.get('/s/a')?.value,
      (seen) => seen === value,
      `the key holds ${value}`,
    );

  it('are put once there is a lease, and again as they change', async () => {
    keeper.set('/s/a', '1');
    keeper.begin();
    await holds('1');
    assert.equal(etcd.keys.get('/s/a')?.lease, keeper.lease);
    keeper.set('/s/a', '2');
    await holds('2');
    keeper.set('/s/a', '2');
    assert.equal(etcd.asked.filter((path) => path === '/v3/kv/put').length, 2);
  });

  it('are put under another lease when theirs is over', async () => {
    keeper.set('/s/a', '1');
    keeper.begin();
    await holds('1');
    etcd.expire(keeper.lease as string);
    assert.equal(etcd.keys.size, 0);
    await holds('1');
    assert.equal(leases.filter((each) => each !== undefined).length, 2);
  });

  it('count as lost when etcd was away for longer than the lease, and come back with it', async () => {
    keeper.set('/s/a', '1');
    keeper.begin();
    await holds('1');
    const lease = keeper.lease as string;
    await etcd.close();
    await eventually(
      async () => leases.at(-1),
      (seen) => seen === undefined,
      'the lease counts as over',
    );
    assert.equal(keeper.lease, undefined);
    keeper.set('/s/a', '2');
    etcd.expire(lease);
    await etcd.listen();
    await holds('2');
  });

  it('end with the keeper, which waits for no etcd', async () => {
    keeper.set('/s/a', '1');
    keeper.begin();
    await holds('1');
    await keeper.close();
    assert.equal(etcd.keys.size, 0);
    const other = new LeaseKeeper(client);
    etcd.instead = () => true;
    other.begin();
    await other.close();
  });
});

describe('what a director tells its fleet', () => {
  let director: ReturnType<typeof Director.offline>;
  let told: Record<string, string>;

  beforeEach(() => {
    told = {};
    director = Director.offline({ source: '10.2.0.2', maxConnections: 1024 });
  });
  afterEach(() => director.close());

  it('is its state with the health of each server, and again what has changed', async () => {
    const service = director.addVirtualService({ protocol: 'tcp', address: '192.0.2.1', port: 80 });
    const server = service.addRealServer({ address: '10.3.0.11' });
    service.addRealServer({ address: '10.3.0.12', weight: 0 });
    const { health: _, fingerprint: __, services: ___, servers: ____, serversUp: _____, ...facts } = STATE;
    const publisher = new Publisher(
      {
        director: director as unknown as Director,
        key: '/k',
        facts: () => facts,
        lease: { set: (key, value) => void Object.assign(told, { [key]: value }) },
      },
      { soonMs: 5, lookMs: 10_000 },
    );
    publisher.begin();
    const first = parseState('lb1', told['/k'] as string) as MemberState;
    assert.deepEqual(first.health, { 'tcp 192.0.2.1:80': { '10.3.0.11:80': 'up', '10.3.0.12:80': 'weight 0' } });
    assert.deepEqual([first.services, first.servers, first.serversUp, first.connections], [1, 2, 1, 0]);
    server.isUp = false;
    await eventually(
      async () => parseState('lb1', told['/k'] as string)?.serversUp,
      (up) => up === 0,
      'it is told',
    );
    assert.notEqual(parseState('lb1', told['/k'] as string)?.fingerprint, first.fingerprint);
    publisher.close();
  });

  it('names only servers that are not up, where there are very many', () => {
    const service = director.addVirtualService({ protocol: 'tcp', address: '192.0.2.1', port: 80 });
    director.addVirtualService({ protocol: 'tcp', address: '192.0.2.2', port: 80 });
    director.transaction(() => {
      for (let at = 0; at < 10_001; at++)
        service.addRealServer({ address: `10.3.${at >> 8}.${at & 255}`, weight: at === 7 ? 0 : 1 });
    });
    const state = ownState(director as unknown as Director);
    assert.deepEqual(state.health, { 'tcp 192.0.2.1:80': { '10.3.0.7:80': 'weight 0' } });
    assert.equal(state.serversUp, 10_000);
  });
});

describe('the view of a fleet', () => {
  const layout = new Layout('/s');
  const stateOf = (member: string, more: Partial<MemberState> = {}) => ({
    key: `/s/state/${member}`,
    value: JSON.stringify({ ...STATE, member, ...more }),
    modRevision: 1,
  });
  const view = (states: ReturnType<typeof stateOf>[], drains: { key: string; value: string }[] = []) =>
    fleetView(layout, { revision: 9, kvs: states }, drains);
  const disagreeing = (...states: ReturnType<typeof stateOf>[]) =>
    view(states)
      .directors.filter(({ disagrees }) => disagrees)
      .map(({ member }) => member);

  it('says who has another fingerprint than most', () => {
    assert.deepEqual(disagreeing(stateOf('c'), stateOf('a'), stateOf('b')), []);
    assert.deepEqual(disagreeing(stateOf('a', { fingerprint: 'x' }), stateOf('b'), stateOf('c')), ['a']);
    const three = [
      stateOf('a', { fingerprint: 'x' }),
      stateOf('b', { fingerprint: 'y' }),
      stateOf('c', { fingerprint: 'y' }),
    ];
    assert.deepEqual(disagreeing(...three), ['a']);
  });

  it('takes the newer configuration where as many have another', () => {
    assert.deepEqual(disagreeing(stateOf('a', { fingerprint: 'x', revision: 8 }), stateOf('b', { revision: 5 })), [
      'b',
    ]);
  });

  it('lists wishes for a drain, also of directors that are away', () => {
    const drains = [
      { key: '/s/drain/a', value: '{"sinceMs":5,"by":"me"}' },
      { key: '/s/drain/z', value: 'please' },
    ];
    const { directors } = view([stateOf('a')], drains);
    assert.deepEqual(
      directors.map(({ member, state, drain }) => [member, state !== undefined, drain]),
      [
        ['a', true, { sinceMs: 5, by: 'me' }],
        ['z', false, { sinceMs: 0 }],
      ],
    );
    assert.deepEqual(parseDrain('[]'), { sinceMs: 0 });
    assert.deepEqual(parseDrain('null'), { sinceMs: 0 });
  });

  it('names keys that hold no state', () => {
    const odd = ['', '{}', 'null', '[]', JSON.stringify({ ...STATE, pid: 'x' }), JSON.stringify({ ...STATE, host: 7 })];
    const kvs = odd.map((value, at) => ({ key: `/s/state/${at}`, value, modRevision: 1 }));
    assert.deepEqual(
      view(kvs).unread,
      kvs.map(({ key }) => key),
    );
    const strange = JSON.stringify({ ...STATE, health: { a: 7, b: { c: 1, d: 'up' } }, from: 'x', role: 'active' });
    const state = parseState('lb1', strange);
    assert.deepEqual([state?.health, state?.from, state?.role], [{ b: { d: 'up' } }, 'etcd', 'active']);
  });
});
