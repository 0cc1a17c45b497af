/** How the configuration of a fleet is followed: revisions, compaction, reconnects, bursts. */
import { strict as assert } from 'node:assert';
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { EtcdClient } from '../../lib/fleet/etcd/client.js';
import { isPart, Layout, whyNoPrefix } from '../../lib/fleet/layout.js';
import { partsOf } from '../../lib/fleet/parts.js';
import { isSameConfiguration, type Snapshot, snapshotOf, withChanges } from '../../lib/fleet/snapshot.js';
import { FleetSource } from '../../lib/fleet/source.js';
import { eventually } from '../support/eventually.js';
import { FakeEtcd } from '../support/fake-etcd.js';

const layout = new Layout('/tunvs/site');
const WEB = '/tunvs/site/services/web';

class Followed {
  readonly changes: Snapshot[] = [];
  readonly drains: string[][] = [];
  readonly told: string[] = [];
  readonly client: EtcdClient;
  readonly source: FleetSource;

  constructor(endpoints: readonly string[]) {
    this.client = new EtcdClient({ endpoints, timeoutMs: 300, heartbeatMs: 30 });
    const events = {
      changed: (snapshot: Snapshot) => void this.changes.push(snapshot),
      drains: ({ drains }: Snapshot) => void this.drains.push([...drains.keys()]),
      away: () => void this.told.push('away'),
      back: () => void this.told.push('back'),
    };
    this.source = new FleetSource(this.client, layout, events, { quietMs: 20, longestMs: 200, retryMs: [10, 40] });
  }

  get values(): string[] {
    return [...(this.changes.at(-1)?.entries.values() ?? [])];
  }

  async holds(...values: string[]): Promise<void> {
    const isSo = (seen: string[]) => seen.join() === values.join();
    await eventually(async () => this.values, isSo, `the configuration is ${values}`);
  }
}

describe('the configuration of a fleet', () => {
  let etcd: FakeEtcd;
  const all: Followed[] = [];

  beforeEach(async () => {
    etcd = await FakeEtcd.open();
    etcd.put(WEB, 'one');
  });

  afterEach(async () => {
    for (const { source, client } of all.splice(0)) {
      await source.close();
      client.close();
    }
    await etcd.close();
  });

  function follow(endpoints = [etcd.url]): Followed {
    const followed = new Followed(endpoints);
    all.push(followed);
    return followed;
  }

  async function watched(): Promise<void> {
    await eventually(
      async () => etcd.watchers,
      (many) => many === 1,
      'there is a watch',
    );
  }

  it('is told once it is read, and again when it changes', async () => {
    const followed = follow();
    followed.source.begin(undefined);
    await followed.holds('one');
    await watched();
    const revision = etcd.put(WEB, 'two');
    await followed.holds('two');
    assert.equal(followed.changes.at(-1)?.revision, revision);
    assert.equal(followed.changes.at(-1)?.changedAt, revision);
    assert.equal(followed.changes.length, 2);
    etcd.delete(WEB);
    await eventually(
      async () => followed.changes.length,
      (many) => many === 3,
      'the deletion is told',
    );
  });

  it('goes on behind the revision that was read, and misses nothing between', async () => {
    const followed = follow();
    const known = await followed.source.read();
    etcd.put(WEB, 'two');
    let readings = 0;
    etcd.instead = (_path, _response, body) => {
      if ('limit' in body) readings += 1;
      return false;
    };
    followed.source.begin(known, { isFresh: true });
    await followed.holds('two');
    assert.equal(readings, 0);
  });

  it('is told once for a burst of changes, and not for what others write', async () => {
    const followed = follow();
    followed.source.begin(await followed.source.read(), { isFresh: true });
    await watched();
    for (let at = 0; at < 30; at++) etcd.put(`${WEB}/servers/${at}`, `${at}`);
    etcd.put('/tunvs/site/state/lb1', 'x');
    etcd.put('/tunvs/other/services/web', 'x');
    await eventually(
      async () => followed.values.length,
      (many) => many === 31,
      'all servers are there',
    );
    assert.equal(followed.changes.length, 1);
  });

  it('is not told when a change was taken back before', async () => {
    const followed = follow();
    followed.source.begin(await followed.source.read(), { isFresh: true });
    await watched();
    etcd.put(WEB, 'two');
    etcd.put(WEB, 'one');
    await delay(100);
    assert.deepEqual(followed.changes, []);
    etcd.put(WEB, 'three');
    await followed.holds('three');
  });

  it('is told of changes that never end, all the same', async () => {
    const followed = follow();
    followed.source.begin(await followed.source.read(), { isFresh: true });
    await watched();
    const timer = setInterval(() => etcd.put(WEB, `${etcd.revision}`), 5);
    await eventually(
      async () => followed.changes.length,
      (many) => many >= 2,
      'it is told in between',
    );
    clearInterval(timer);
  });

  it('is read anew after a compaction, and what was known stays meanwhile', async () => {
    const followed = follow();
    const known = await followed.source.read();
    etcd.put(WEB, 'two');
    etcd.compact(etcd.put(`${WEB}2`, 'more'));
    followed.source.begin(known, { isFresh: true });
    await followed.holds('two', 'more');
    assert.deepEqual(followed.told, []);
    assert.equal(followed.changes.length, 1);
  });

  it('stays while etcd is away, which is told once, and is read anew when it is back', async () => {
    const followed = follow();
    followed.source.begin(await followed.source.read(), { isFresh: true });
    await watched();
    await etcd.close();
    await eventually(
      async () => followed.told,
      ([first]) => first === 'away',
      'it is told',
    );
    await delay(100);
    assert.deepEqual([followed.told, followed.changes, followed.source.isConnected], [['away'], [], false]);
    etcd.put(WEB, 'two');
    etcd.delete('/none');
    await etcd.listen();
    await followed.holds('two');
    await eventually(
      async () => followed.told.join(),
      (told) => told === 'away,back',
      'that it is back is told',
    );
    assert.equal(followed.source.isConnected, true);
  });

  it('is followed at another endpoint when one is silent', async () => {
    const other = await FakeEtcd.open();
    const followed = follow([other.url, etcd.url]);
    other.put(WEB, 'one');
    followed.source.begin(await followed.source.read(), { isFresh: true });
    await eventually(
      async () => other.watchers,
      (many) => many === 1,
      'there is a watch',
    );
    other.instead = () => true;
    etcd.put(WEB, 'two');
    await followed.holds('two');
    await other.close();
  });

  it('is read anew when another cluster is there, whatever its revisions', async () => {
    const followed = follow();
    for (let at = 0; at < 10; at++) etcd.put(WEB, 'one');
    followed.source.begin(await followed.source.read(), { isFresh: true });
    await watched();
    etcd.replace('8');
    etcd.put(WEB, 'restored');
    await followed.holds('restored');
    assert.equal(followed.changes.at(-1)?.clusterId, '8');
  });

  it('is followed through a hundred broken streams', async () => {
    const followed = follow();
    followed.source.begin(undefined);
    for (let at = 0; at < 25; at++) {
      await watched();
      etcd.put(WEB, `v${at}`);
      if (at % 3 === 0) etcd.shout('{"result":\n');
      else etcd.cut();
    }
    await followed.holds('v24');
  });

  it('tells which directors are to be drained, and reads nothing anew for it', async () => {
    const followed = follow();
    followed.source.begin(await followed.source.read(), { isFresh: true });
    await watched();
    etcd.put('/tunvs/site/drain/lb1', '{}');
    await eventually(
      async () => followed.drains.at(-1)?.join(),
      (seen) => seen === 'lb1',
      'the wish is told',
    );
    etcd.delete('/tunvs/site/drain/lb1');
    await eventually(
      async () => followed.drains.at(-1)?.join(),
      (seen) => seen === '',
      'its end is told',
    );
    await delay(60);
    assert.deepEqual(followed.changes, []);
  });

  it('ends at once', async () => {
    const followed = follow();
    followed.source.begin(undefined);
    await followed.holds('one');
    await watched();
    await followed.source.close();
    etcd.put(WEB, 'two');
    await delay(50);
    assert.deepEqual(followed.values, ['one']);
  });
});

describe('what a key of a fleet is', () => {
  it('is said by its place', () => {
    const roles: [string, object | undefined][] = [
      ['/tunvs/site/director', { is: 'director' }],
      [WEB, { is: 'service', service: 'web' }],
      [`${WEB}/servers/a`, { is: 'server', service: 'web', server: 'a' }],
      ['/tunvs/site/drain/lb1', { is: 'drain', member: 'lb1' }],
      [`${WEB}/servers`, undefined],
      [`${WEB}/server/a`, undefined],
      [`${WEB}/servers/a/b`, undefined],
      [`${WEB}/servers/`, undefined],
      ['/tunvs/site/services/', undefined],
      ['/tunvs/site/directors', undefined],
      ['/tunvs/sites/services/web', undefined],
      ['/tunvs/site/services/a b', undefined],
      ['/tunvs/site/services/a\ufffd', undefined],
    ];
    for (const [key, role] of roles) assert.deepEqual(layout.role(key), role, key);
  });

  it('lies in the range that is watched if it is read, and outside if directors tell it', () => {
    const { key: first, end } = layout.configuration;
    const name = fc.string({ minLength: 1, maxLength: 20 }).filter(isPart);
    const isIn = (key: string) =>
      Buffer.compare(Buffer.from(key), Buffer.from(first)) >= 0 &&
      Buffer.compare(Buffer.from(key), Buffer.from(end)) < 0;
    fc.assert(
      fc.property(name, name, (a, b) => {
        for (const key of [`${layout.services}${a}`, `${layout.services}${a}/servers/${b}`, layout.drain(a)]) {
          assert.ok(layout.role(key));
          assert.ok(isIn(key), key);
        }
        for (const key of [layout.state(a), `${layout.checks}${a}/${b}`]) assert.ok(!isIn(key), key);
      }),
    );
    assert.ok(isIn(layout.director));
  });

  it('has a prefix that begins with / and ends without', () => {
    for (const each of ['/tunvs/site', '/a']) assert.equal(whyNoPrefix(each), undefined);
    for (const each of ['', '/', 'a', '/a/', '/a//b', '/a b', `/${'a'.repeat(600)}`])
      assert.ok(whyNoPrefix(each), each);
  });

  it('makes services with their servers, and names what nothing reads', () => {
    const kvs = [
      ['/tunvs/site/director', 'settings'],
      [`${WEB}/servers/b`, 'B'],
      [`${WEB}/servers/a`, 'A'],
      [WEB, 'web'],
      ['/tunvs/site/services/x/servers/a', 'lone'],
      ['/tunvs/site/server/a', 'typo'],
    ].map(([key, value]) => ({ key: key as string, value: value as string, modRevision: 1 }));
    const found = partsOf(layout, snapshotOf(layout, { revision: 5, clusterId: '', kvs }));
    assert.deepEqual(found, {
      parts: {
        settings: { name: '/tunvs/site/director', text: 'settings' },
        services: [
          {
            service: { name: WEB, text: 'web' },
            servers: [
              { name: `${WEB}/servers/a`, text: 'A' },
              { name: `${WEB}/servers/b`, text: 'B' },
            ],
          },
          {
            service: { name: '/tunvs/site/services/x' },
            servers: [{ name: '/tunvs/site/services/x/servers/a', text: 'lone' }],
          },
        ],
      },
      unread: ['/tunvs/site/server/a'],
    });
  });

  it('gives the same configuration whether it is read or followed', () => {
    const change = fc.record({
      key: fc.constantFrom(WEB, `${WEB}/servers/a`, `${WEB}/servers/b`, '/tunvs/site/drain/x', layout.director),
      value: fc.option(fc.string(), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(change), fc.infiniteStream(fc.integer({ min: 1, max: 4 })), (changes, cuts) => {
        const store = new Map<string, { value: string; modRevision: number }>();
        let followed = snapshotOf(layout, { revision: 1, clusterId: '', kvs: [] });
        let revision = 1;
        for (let at = 0; at < changes.length; ) {
          const many = (cuts.next() as { value: number }).value;
          const batch = changes.slice(at, at + many).map(({ key, value }) => {
            revision += 1;
            if (value === undefined) store.delete(key);
            else store.set(key, { value, modRevision: revision });
            return { key, modRevision: revision, ...(value !== undefined && { value }) };
          });
          followed = withChanges(layout, followed, { revision, changes: batch });
          at += many;
        }
        const kvs = [...store].map(([key, stored]) => ({ key, ...stored }));
        const read = snapshotOf(layout, { revision, clusterId: '', kvs });
        assert.ok(isSameConfiguration(read, followed));
        assert.deepEqual([...read.entries], [...followed.entries]);
        assert.deepEqual([...read.drains], [...followed.drains]);
        assert.ok(followed.changedAt >= read.changedAt);
      }),
    );
  });
});
