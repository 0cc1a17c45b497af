/** One director checks for all; the others go by what it finds, and nobody loses a server by its word alone. */
import { strict as assert } from 'node:assert';
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { Director } from '../../lib/director/director.js';
import type { RealServer } from '../../lib/director/virtual-service.js';
import { EtcdClient } from '../../lib/fleet/etcd/client.js';
import { Layout } from '../../lib/fleet/layout.js';
import { LeaseKeeper } from '../../lib/fleet/lease-keeper.js';
import { SharedChecks } from '../../lib/fleet/shared-checks.js';
import { groupText, parseGroup, sharedKey } from '../../lib/fleet/shared-finding.js';
import { execCheck, tcpCheck, functionCheck } from '../../lib/health/index.js';
import type { Check, Finding } from '../../lib/health/checks/check.js';
import type { Reach } from '../../lib/health/probe.js';
import { eventually } from '../support/eventually.js';
import { FakeEtcd } from '../support/fake-etcd.js';

const layout = new Layout('/s');
const HOW = { via: 'vip', timeoutMs: 1000 } as const;
const GOOD: Finding = { passed: true, message: 'connected' };
const BAD: Finding = { passed: false, reason: 'refused', message: 'nobody listens' };

/** What is away is found at once. */
const HASTY = { timeoutMs: 200, heartbeatMs: 50, ttlSeconds: 1 };
/** Nothing counts as away because the machine is busy. */
const PATIENT = { timeoutMs: 10_000, heartbeatMs: 10_000, ttlSeconds: 30 };

class Member {
  readonly name: string;
  readonly director = Director.offline({ source: '10.2.0.2', maxConnections: 1024 });
  readonly client: EtcdClient;
  readonly lease: LeaseKeeper;
  readonly shared: SharedChecks;
  /** What this director itself would find. */
  finds: Finding = GOOD;
  asked = 0;
  readonly check: Check = tcpCheck();
  readonly #reach: Reach;

  constructor(name: string, url: string, idleMs = 60_000, { ttlSeconds, ...limits } = HASTY) {
    this.name = name;
    this.client = new EtcdClient({ endpoints: [url], ...limits });
    this.lease = new LeaseKeeper(this.client, {
      ttlSeconds,
      retryMs: 20,
      changed: () => this.shared.leaseChanged(),
    });
    const times = { waitMs: 2, soonMs: 5, retryMs: [10, 40], graceMs: idleMs, firstMs: idleMs } as const;
    this.shared = new SharedChecks({ client: this.client, layout, lease: this.lease, member: name }, times);
    this.#reach = this.shared.share(async () => {
      this.asked += 1;
      return this.finds;
    });
  }

  begin(): this {
    this.lease.begin();
    this.shared.begin();
    return this;
  }

  server(port = 80): RealServer {
    const key = { protocol: 'tcp', address: '192.0.2.1', port } as const;
    const there = this.director.virtualServices.find((service) => service.port === port);
    const service = there ?? this.director.addVirtualService(key);
    return service.realServers[0] ?? service.addRealServer({ address: '10.3.0.11' });
  }

  find(port = 80): Promise<Finding> {
    return this.#reach(this.check, this.server(port), HOW, new AbortController().signal);
  }

  /** Whether a check asked the server, or took what another has found. */
  async asks(): Promise<boolean> {
    const before = this.asked;
    await this.find();
    return this.asked > before;
  }

  /** How many services this director checks for all. */
  async probes(): Promise<number> {
    await this.find();
    return this.shared.probed;
  }

  async close(): Promise<void> {
    await this.shared.close();
    await this.lease.close();
    this.client.close();
    await this.director.close();
  }
}

describe('checks that are shared', () => {
  let etcd: FakeEtcd;
  const members: Member[] = [];

  beforeEach(async () => {
    etcd = await FakeEtcd.open();
  });
  afterEach(async () => {
    for (const each of members.splice(0)) await each.close();
    await etcd.close();
  });

  function member(name: string, idleMs?: number, times = HASTY): Member {
    const made = new Member(name, etcd.url, idleMs, times).begin();
    members.push(made);
    return made;
  }

  /** The first is the prober, and the second goes by it. */
  async function two(idleMs?: number): Promise<[Member, Member]> {
    const prober = member('lb1', idleMs);
    await eventually(
      () => prober.probes(),
      (many) => many === 1,
      'there is a prober',
    );
    const other = member('lb2');
    await eventually(
      () => prober.find().then(() => other.asks()),
      (asks) => !asks,
      'the other goes by it',
    );
    return [prober, other];
  }

  it('are made by one director, and the others say whose finding it is', async () => {
    const [prober, other] = await two();
    assert.deepEqual(await other.find(), { passed: true, message: 'connected (found by lb1)' });
    assert.equal(await prober.asks(), true);
    assert.equal(other.shared.probed, 0);
  });

  it('count as failed once the director itself has seen it, which it asks for once', async () => {
    const [prober, other] = await two();
    prober.finds = BAD;
    other.finds = BAD;
    await prober.find();
    await eventually(
      () => other.find(),
      ({ passed }) => !passed,
      'the failure is found',
    );
    await other.find();
    const before = other.asked;
    assert.deepEqual(await other.find(), { ...BAD, message: 'nobody listens (found by lb1)' });
    assert.equal(other.asked, before);
    prober.finds = GOOD;
    await prober.find();
    await eventually(
      () => other.find(),
      ({ passed }) => passed,
      'it passes again',
    );
    assert.equal(other.asked, before);
    prober.finds = BAD;
    other.finds = GOOD;
    await prober.find();
    await eventually(
      () => other.asks(),
      (asks) => asks,
      'another failure is asked for again',
    );
  });

  it('take no server away by a prober that alone does not reach it', async () => {
    const [prober, other] = await two();
    prober.finds = BAD;
    await prober.find();
    await eventually(
      () => other.asks(),
      (asks) => asks,
      'the other asks itself',
    );
    for (let tries = 0; tries < 5; tries++) assert.equal((await other.find()).message, 'connected');
  });

  it('are not shared where the host of the prober is at fault', async () => {
    const [prober, other] = await two();
    prober.finds = { ...BAD, isOwnFault: true };
    await prober.find();
    await eventually(
      () => other.asks(),
      (asks) => asks,
      'the other asks itself',
    );
  });

  it('are taken over when the lease of the prober ends', async () => {
    const [prober, other] = await two();
    await prober.close();
    members.splice(members.indexOf(prober), 1);
    await eventually(
      () => other.probes(),
      (many) => many === 1,
      'the other checks',
    );
  });

  it('are taken over from a prober that is stuck, and not by both', async () => {
    const [prober, other] = await two();
    etcd.expire(prober.lease.lease as string);
    await eventually(
      async () => {
        await Promise.all([prober.find(), other.find()]);
        return prober.shared.probed + other.shared.probed;
      },
      (many) => many === 1,
      'one of them checks',
    );
    for (let looks = 0; looks < 20; looks++) {
      await delay(10);
      assert.ok(prober.shared.probed + other.shared.probed <= 1);
    }
  });

  it('are made by each director while etcd is away', async () => {
    const [prober, other] = await two();
    await etcd.close();
    await eventually(
      () => other.asks(),
      (asks) => asks,
      'the other asks itself',
    );
    await eventually(
      async () => prober.shared.probed,
      (many) => many === 0,
      'nobody is the prober',
    );
    etcd.expire('1001');
    etcd.expire('1002');
    await etcd.listen();
    await eventually(
      async () => {
        const asks = [await prober.asks(), await other.asks()];
        return asks.filter(Boolean).length;
      },
      (many) => many === 1,
      'one asks for both again',
    );
  });

  it('are given up by a director that checks no longer', async () => {
    const [prober, other] = await two(300);
    await eventually(
      () => other.probes(),
      (many) => many === 1,
      'the other checks',
    );
    assert.equal(prober.shared.probed, 0);
  });

  it('are spread over the directors', async () => {
    const all = [member('lb1', undefined, PATIENT), member('lb2', undefined, PATIENT)];
    await eventually(
      async () => {
        for (const each of all) for (let port = 1; port <= 40; port++) await each.find(port);
        return all.reduce((sum, { shared }) => sum + shared.probed, 0);
      },
      (sum) => sum === 40,
      'each service has a prober',
    );
    for (const { shared } of all) assert.ok(shared.probed > 0 && shared.probed < 40);
  });

  it('are those that ask the same thing of the same server by the same way', () => {
    const one = new Member('lb1', etcd.url);
    const two = new Member('lb2', etcd.url);
    members.push(one, two);
    const key = sharedKey(tcpCheck(), one.server(), HOW);
    assert.equal(sharedKey(tcpCheck(), two.server(), HOW), key);
    assert.notEqual(sharedKey(tcpCheck({ port: 81 }), two.server(), HOW), key);
    assert.notEqual(sharedKey(tcpCheck(), two.server(), { ...HOW, via: 'address' }), key);
    assert.equal(
      sharedKey(
        functionCheck(() => true),
        two.server(),
        HOW,
      ),
      undefined,
    );
    assert.equal(sharedKey(execCheck({ path: '/bin/true' }), two.server(), HOW), undefined);
  });

  it('are read as they were written, and nothing else is', () => {
    const finding = fc.record(
      {
        passed: fc.boolean(),
        message: fc.string({ maxLength: 50 }),
        reason: fc.constantFrom('timeout', 'refused'),
        advice: fc.oneof(fc.record({ weight: fc.nat() }), fc.record({ add: fc.integer() })),
      },
      { requiredKeys: ['passed', 'message'] },
    );
    const found = fc.array(fc.tuple(fc.string(), fc.record({ finding, turns: fc.nat() })));
    fc.assert(
      fc.property(found, (entries) => {
        const map = new Map(entries.filter(([key]) => key !== '__proto__')) as never;
        const read = parseGroup(groupText('lb1', 'tcp 192.0.2.1:80', map));
        assert.deepEqual(read?.found, new Map(JSON.parse(JSON.stringify([...(map as Map<string, unknown>)]))));
      }),
    );
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => void parseGroup(text)));
    for (const text of ['', 'null', '{}', '{"by":"a"}', '{"by":7,"checks":{}}'])
      assert.equal(parseGroup(text), undefined);
    const odd =
      '{"by":"a","checks":{"a":1,"b":{"passed":1},"c":{"passed":true,"message":"","turns":1,"advice":{"weight":-1}}}}';
    assert.deepEqual(parseGroup(odd)?.found, new Map([['c', { turns: 1, finding: { passed: true, message: '' } }]]));
  });
});
