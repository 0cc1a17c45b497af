import { strict as assert } from 'node:assert';
import { type DnsNotice, DnsWatch } from '../../lib/config/apply/dns.js';
import type { DnsTarget } from '../../lib/config/apply/lookup.js';
import { nodeResolver } from '../../lib/config/apply/resolver.js';
import { serverWeight } from '../../lib/config/apply/srv.js';
import { DnsServer } from '../support/dns-server.js';
import { FakeResolver, FakeTimers } from '../support/fake-dns.js';

const WEB = 'web.internal';
const SRV = '_http._tcp.web.internal';

const addresses = (targets: readonly DnsTarget[]) => targets.map(({ address }) => address);

describe('watching names in DNS', () => {
  let resolver: FakeResolver;
  let timers: FakeTimers;
  let watch: DnsWatch;
  let changed: string[];
  let notices: DnsNotice[];

  beforeEach(() => {
    resolver = new FakeResolver();
    timers = new FakeTimers();
    changed = [];
    notices = [];
    watch = new DnsWatch({
      resolver,
      timers,
      changed: (name) => changed.push(name),
      notice: (notice) => notices.push(notice),
    });
  });

  afterEach(() => watch.close());

  const told = () => notices.map(({ kind }) => kind);
  const delays = () => timers.pending.map(({ milliseconds }) => milliseconds);

  it('has both families in the order of addresses, whatever order they come in', async () => {
    resolver.set(WEB, '2001:db8::b', '10.0.0.12', '2001:db8:0::a', '10.0.0.2');
    await watch.watch(WEB, 10_000);
    const order = ['10.0.0.2', '10.0.0.12', '2001:db8::a', '2001:db8::b'];
    assert.deepEqual(addresses(watch.targets(WEB)), order);
    resolver.set(WEB, '10.0.0.2', '2001:db8::a', '2001:db8::b', '10.0.0.12');
    await timers.fire();
    assert.deepEqual(changed, [WEB], 'another order is no change');
  });

  for (const [ttl, refreshMs, expected] of [
    [5, 10_000, 5_000],
    [60, 10_000, 10_000],
    [0, 10_000, 1_000],
  ] as const)
    it(`asks again ${expected} ms after an answer with a TTL of ${ttl} s and a refresh of ${refreshMs} ms`, async () => {
      resolver.addresses.set(WEB, [
        { address: '10.0.0.1', ttl },
        { address: '10.0.0.2', ttl: 90 },
      ]);
      await watch.watch(WEB, refreshMs);
      assert.deepEqual(delays(), [expected]);
    });

  it('goes by the jitter, never later than the TTL and never sooner than 1 s', async () => {
    timers.random = () => 1;
    resolver.set(WEB, '10.0.0.1');
    resolver.addresses.set('b', [{ address: '10.0.0.1', ttl: 1 }]);
    await Promise.all([watch.watch(WEB, 10_000), watch.watch('b', 10_000)]);
    assert.deepEqual(delays(), [4_500, 1_000]);
  });

  it('keeps the last answer while DNS fails, tells so once, and once that it is over', async () => {
    resolver.set(WEB, '10.0.0.1');
    await watch.watch(WEB, 3_000);
    resolver.addresses.set(WEB, 'ESERVFAIL');
    const waited = [];
    for (let round = 0; round < 4; round++) {
      await timers.fire();
      waited.push(...delays());
    }
    assert.deepEqual(waited, [1_000, 2_000, 3_000, 3_000]);
    assert.deepEqual(addresses(watch.targets(WEB)), ['10.0.0.1']);
    assert.deepEqual(told(), ['failing']);
    assert.equal(
      notices[0]?.sentence,
      'web.internal cannot be resolved (A web.internal: ESERVFAIL): its last answer is kept',
    );
    resolver.set(WEB, '10.0.0.1');
    await timers.fire();
    assert.deepEqual(told(), ['failing', 'recovered']);
    assert.deepEqual(changed, [WEB]);
  });

  it('keeps the last answer while there is an empty one', async () => {
    resolver.set(WEB, '10.0.0.1');
    await watch.watch(WEB, 3_000);
    resolver.set(WEB);
    await timers.fire();
    await timers.fire();
    assert.deepEqual(addresses(watch.targets(WEB)), ['10.0.0.1']);
    assert.deepEqual(told(), ['empty']);
    resolver.set(WEB, '10.0.0.2');
    await timers.fire();
    assert.deepEqual(addresses(watch.targets(WEB)), ['10.0.0.2']);
    assert.deepEqual(told(), ['empty', 'recovered']);
  });

  it('takes nothing away when one of two families fails', async () => {
    resolver.set(WEB, '10.0.0.1', '2001:db8::1');
    await watch.watch(WEB, 3_000);
    resolver.aaaa = () => Promise.reject(Object.assign(new Error('ETIMEOUT'), { code: 'ETIMEOUT' }));
    resolver.set(WEB, '10.0.0.2', '2001:db8::1');
    await timers.fire();
    assert.deepEqual(addresses(watch.targets(WEB)), ['10.0.0.2', '2001:db8::1']);
    assert.deepEqual(told(), ['failing']);
  });

  it('takes the records of the lowest priority of a service, with their ports and weights', async () => {
    resolver.services.set(SRV, [
      { name: 'b', port: 8080, priority: 10, weight: 3 },
      { name: 'a', port: 8081, priority: 10, weight: 1 },
      { name: 'c', port: 8082, priority: 20, weight: 9 },
    ]);
    resolver.set('a', '10.0.0.2');
    resolver.set('b', '10.0.0.1');
    resolver.set('c', '10.0.0.3');
    await watch.watch(SRV, 10_000);
    assert.deepEqual(watch.targets(SRV), [
      { address: '10.0.0.1', port: 8080, weight: 3 },
      { address: '10.0.0.2', port: 8081, weight: 1 },
    ]);
    assert(!resolver.asked.includes('A c'));
  });

  it('adds up the weights of records of one server, and takes the target "." for an empty answer', async () => {
    resolver.services.set(SRV, [
      { name: 'a', port: 80, priority: 0, weight: 3 },
      { name: 'b', port: 80, priority: 0, weight: 4 },
    ]);
    resolver.set('a', '10.0.0.1');
    resolver.set('b', '10.0.0.1');
    await watch.watch(SRV, 10_000);
    assert.deepEqual(watch.targets(SRV), [{ address: '10.0.0.1', port: 80, weight: 7 }]);
    resolver.services.set(SRV, [{ name: '.', port: 0, priority: 0, weight: 0 }]);
    await timers.fire();
    assert.deepEqual(told(), ['empty']);
  });

  it('forgets what a name had that the records of a service name no longer', async () => {
    const record = (name: string) => [{ name, port: 80, priority: 0, weight: 1 }];
    resolver.set('a', '10.0.0.1');
    resolver.set('b', '10.0.0.2');
    for (const name of ['a', 'b', 'a']) {
      resolver.services.set(SRV, record(name));
      if (watch.targets(SRV).length === 0) await watch.watch(SRV, 10_000);
      else await timers.fire();
      resolver.addresses.set('a', 'ETIMEOUT');
    }
    // The answer of two rounds ago is no answer of "a" any more, so that the last one is kept.
    assert.deepEqual(addresses(watch.targets(SRV)), ['10.0.0.2']);
  });

  it('has one timer for each name, however often it is watched, and none for those that are forgotten', async () => {
    for (const name of ['a', 'b', 'c']) resolver.set(name, '10.0.0.1');
    for (let round = 0; round < 5; round++) await Promise.all(['a', 'b', 'c'].map((name) => watch.watch(name, 10_000)));
    assert.equal(resolver.asked.length, 6);
    for (let round = 0; round < 5; round++) {
      assert.equal(timers.pending.length, 3);
      await timers.fire();
    }
    watch.keepOnly(new Set(['b']));
    assert.equal(timers.pending.length, 1);
    watch.close();
    assert.equal(timers.pending.length, 0);
  });

  it('has at most sixteen questions open at a time', async () => {
    const names = Array.from({ length: 200 }, (_, index) => `name${index}`);
    for (const name of names) resolver.set(name, '10.0.0.1');
    await Promise.all(names.map((name) => watch.watch(name, 10_000)));
    assert.equal(resolver.mostOpen, 16);
    assert.equal(changed.length, 200);
  });
});

describe('the weight of a server that an SRV record names', () => {
  it('is the record’s times that of the file, and never none beside others', () => {
    assert.equal(serverWeight(5, 2, true), 10);
    assert.equal(serverWeight(0, 2, true), 1);
    assert.equal(serverWeight(0, 2, false), 2);
    assert.equal(serverWeight(undefined, 3, false), 3);
    assert.equal(serverWeight(5, 0, true), 0);
  });
});

describe('watching names at a name server', () => {
  let server: DnsServer;
  let watch: DnsWatch | undefined;

  beforeEach(async () => {
    server = await DnsServer.open();
  });

  afterEach(async () => {
    watch?.close();
    await server.close();
  });

  it('reads A, AAAA and SRV with their TTLs, and says what failed', async () => {
    const timers = new FakeTimers();
    const notices: DnsNotice[] = [];
    watch = new DnsWatch({
      resolver: nodeResolver([server.address]),
      timers,
      changed: () => {},
      notice: (notice) => notices.push(notice),
    });
    server.records.set(WEB, [
      { type: 'A', address: '10.0.0.1', ttl: 7 },
      { type: 'AAAA', address: '2001:db8::1', ttl: 4 },
    ]);
    server.records.set(SRV, [{ type: 'SRV', target: WEB, port: 8080, priority: 1, weight: 5, ttl: 30 }]);
    await watch.watch(WEB, 60_000);
    await watch.watch(SRV, 60_000);
    assert.deepEqual(addresses(watch.targets(WEB)), ['10.0.0.1', '2001:db8::1']);
    assert.deepEqual(watch.targets(SRV), [
      { address: '10.0.0.1', port: 8080, weight: 5 },
      { address: '2001:db8::1', port: 8080, weight: 5 },
    ]);
    assert.deepEqual(
      timers.pending.map(({ milliseconds }) => milliseconds),
      [4_000, 4_000],
    );
    server.isFailing = true;
    await watch.watch('other.internal', 60_000);
    assert.equal(notices.length, 1);
    assert.match(notices[0]?.sentence ?? '', /other\.internal cannot be resolved \(A+ other\.internal: ESERVFAIL\)/);
  });
});
