import { strict as assert } from 'node:assert';
import { inspect } from 'node:util';
import { connectionPolicy, Director, tablePolicy, weightsPolicy } from '../../lib/index.js';
import { RateMeter } from '../../lib/stats/rates.js';
import { jsonMember, withJson } from '../../lib/values/json.js';
import { toJson } from '../../lib/cli/json.js';
import { tcp } from '../support/packets.js';

const WEB = { protocol: 'tcp', address: '192.0.2.1', port: 80 } as const;

function directorWithTraffic() {
  const director = Director.offline({ source: '10.2.0.2' });
  const web = director.addVirtualService({
    ...WEB,
    scheduler: 'rr',
    policy: tablePolicy(() => [0], { name: 'first' }),
  });
  const server = web.addRealServer({ address: '10.2.0.3', weight: 5 });
  web.addRealServer({ address: '10.2.0.4' });
  director.process(tcp({ from: '198.51.100.1:1024', to: '192.0.2.1:80' }), 1000);
  return { director, web, server };
}

const parsed = (value: unknown) => JSON.parse(JSON.stringify(value));

describe('JSON', () => {
  it('has a bigint as a number up to 2^53 - 1 and as its digits beyond, from the library and from the commands', () => {
    const object = { exact: 2n ** 53n - 1n, beyond: 2n ** 53n, least: 1n - 2n ** 53n, below: -(2n ** 53n) };
    const expected =
      '{"exact":9007199254740991,"beyond":"9007199254740992","least":-9007199254740991,"below":"-9007199254740992"}';
    assert.equal(JSON.stringify(withJson({ ...object })), expected);
    assert.equal(toJson(object), expected);
    assert.equal(jsonMember('text'), 'text');
  });

  it('takes statistics of a director, a service, a server, a policy and a sample', async () => {
    const { director, web, server } = directorWithTraffic();
    const stats = parsed(director.stats());
    assert.equal(stats.counters.received, 1);
    assert.equal(stats.totals.connections, 1);
    assert.equal(stats.services[0].servers[1].totals.inPackets, 1);
    assert.equal(stats.services[0].servers[1].tooBig, 0);
    assert.equal(parsed({ ...web.stats() }).totals.connections, 1);
    assert.equal(parsed(server.stats()).totals.connections, 1);
    assert.equal(parsed(web.policy?.counters).failed, 0);
    const meter = new RateMeter(director.stats(), 0);
    const sample = parsed(meter.sample(director.stats(), 1000));
    assert.deepEqual(sample.services[0].servers[1].fragmentsSent, 0);
    assert.equal(sample.counters.received, 1);
    await director.close();
  });

  it('takes a row of the connection table', async () => {
    const { director } = directorWithTraffic();
    for await (const row of director.connections()) {
      assert.deepEqual(parsed(row), row);
      await director.close();
      return;
    }
    assert.fail('there is a row');
  });

  it('leaves statistics as they are to spreading, to clones and to deepEqual', async () => {
    const { director, server } = directorWithTraffic();
    const { totals } = director.stats();
    assert.deepEqual(Object.keys(totals), ['connections', 'inPackets', 'inBytes', 'outPackets', 'outBytes']);
    assert.deepEqual({ ...totals }, totals);
    assert.deepEqual(structuredClone(director.stats()), director.stats());
    assert.equal('toJSON' in { ...server.stats() }, false);
    await director.close();
  });
});

describe('a handle', () => {
  it('stands in JSON for what is configured', async () => {
    const { director, web, server } = directorWithTraffic();
    const first = { address: '10.2.0.3', port: 80, weight: 5, forwarding: 'ipip', isUp: true, isDraining: false };
    const service = {
      ...WEB,
      scheduler: 'rr',
      policy: { kind: 'table', name: 'first' },
      realServers: [first, { ...first, address: '10.2.0.4', weight: 1 }],
    };
    assert.deepEqual(parsed(server), first);
    assert.deepEqual(parsed(web), service);
    assert.deepEqual(parsed(director), { sources: ['10.2.0.2'], virtualServices: [service] });
    await director.close();
  });

  it('of a policy at work stands for its kind, name and counters, of each kind, also when its director is closed', async () => {
    const counters = { asked: 0, answered: 0, late: 0, failed: 0, overflow: 0, parked: 0, dropped: 0 };
    const name = 'mine';
    const policies = [
      tablePolicy(() => [0], { name }),
      weightsPolicy(() => [], { name }),
      connectionPolicy(() => 0, { name }),
    ];
    for (const policy of policies) {
      const director = Director.offline({ source: '10.2.0.2', maxConnections: 1024 });
      const web = director.addVirtualService({ ...WEB, policy });
      const { kind } = policy;
      const atWork = web.policy;
      assert.deepEqual(parsed(atWork), { kind, name, counters });
      assert.equal(
        inspect(atWork, { breakLength: Number.POSITIVE_INFINITY, compact: 10 }),
        `ServicePolicy { kind: '${kind}', name: 'mine', counters: { asked: 0n, answered: 0n, late: 0n, failed: 0n, overflow: 0n, parked: 0n, dropped: 0n } }`,
      );
      assert.equal(inspect({ atWork }, { depth: 0 }), '{ atWork: [ServicePolicy] }');
      await director.close();
      assert.deepEqual(parsed(atWork), { kind, name, ...(kind === 'connection' ? { isClosed: true } : { counters }) });
    }
  });

  it('shows itself without what it is made of', async () => {
    const { director, web, server } = directorWithTraffic();
    const wide = { breakLength: Number.POSITIVE_INFINITY };
    server.isUp = false;
    assert.equal(
      inspect(server, wide),
      "RealServer { name: '10.2.0.3:80', service: 'tcp 192.0.2.1:80', weight: 5, forwarding: 'ipip', isUp: false, isDraining: false }",
    );
    assert.equal(
      inspect(web, { ...wide, compact: 10 }),
      "VirtualService { name: 'tcp 192.0.2.1:80', scheduler: 'rr', policy: 'first', realServers: [ '10.2.0.3:80 weight 5, down', '10.2.0.4:80 weight 1' ] }",
    );
    assert.equal(
      inspect(director, { ...wide, compact: 10 }),
      "OfflineDirector { sources: [ '10.2.0.2' ], virtualServices: [ 'tcp 192.0.2.1:80 rr: 10.2.0.3:80 weight 5, down; 10.2.0.4:80 weight 1' ] }",
    );
    assert.equal(inspect({ web }, { depth: 0 }), '{ web: [VirtualService] }');
    await director.close();
  });

  it('has the weight that a policy assigns beside the configured one, and says what drains', async () => {
    const director = Director.offline({ source: '10.2.0.2' });
    const policy = weightsPolicy((servers) => servers.map(() => 7));
    const web = director.addVirtualService({ ...WEB, policy });
    const server = web.addRealServer({ address: '10.2.0.3', weight: 5 });
    assert.equal('assignedWeight' in parsed(server), false);
    await web.policy?.refresh();
    void server.drain().catch(() => {});
    const state = { weight: 5, assignedWeight: 7, forwarding: 'ipip', isUp: true, isDraining: true };
    assert.deepEqual(parsed(server), { address: '10.2.0.3', port: 80, ...state });
    assert.match(inspect(server, { compact: 10 }), /weight: 5,\s+assignedWeight: 7,/);
    assert.match(inspect(web), /'10\.2\.0\.3:80 weight 5 \(assigned 7\), draining'/);
    assert.match(inspect(director), /'tcp 192\.0\.2\.1:80 wlc: 10\.2\.0\.3:80 weight 5 \(assigned 7\), draining'/);
    await director.close();
  });

  it('says that its server or service was deleted, or its director closed', async () => {
    const { director, web, server } = directorWithTraffic();
    server.delete();
    assert.equal(inspect(server), "RealServer { name: '10.2.0.3:80', service: 'tcp 192.0.2.1:80', isDeleted: true }");
    assert.deepEqual(parsed(server), { address: '10.2.0.3', port: 80, isDeleted: true });
    web.delete();
    assert.equal(inspect(web), "VirtualService { name: 'tcp 192.0.2.1:80', isDeleted: true }");
    await director.close();
    assert.equal(inspect(director), "OfflineDirector { sources: [ '10.2.0.2' ], isClosed: true }");
    assert.deepEqual(parsed(director), { sources: ['10.2.0.2'], isClosed: true });
    assert.deepEqual(parsed(web), { ...WEB, isClosed: true });
  });
});
