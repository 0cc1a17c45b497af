/** A session that keeps a director as specs want it: what was changed by hand, and names of DNS. */
import { strict as assert } from 'node:assert';
import { SpecError } from '../../lib/config/apply/mistakes.js';
import { nodeResolver } from '../../lib/config/apply/resolver.js';
import { SpecSession } from '../../lib/config/apply/spec-session.js';
import type { Spec } from '../../lib/config/spec.js';
import { Director } from '../../lib/director/director.js';
import { DnsServer } from '../support/dns-server.js';
import { eventuallyHolds } from '../support/eventually.js';
import { FakeResolver, FakeTimers, settled } from '../support/fake-dns.js';
import { SOURCE, spec, WEB } from '../support/specs.js';

describe('a session of specs', () => {
  let director: Director;
  let session: SpecSession;
  let resolver: FakeResolver;
  let timers: FakeTimers;
  let warnings: string[];

  beforeEach(() => {
    director = Director.offline({ source: SOURCE, maxConnections: 1024 });
    resolver = new FakeResolver();
    timers = new FakeTimers();
    warnings = [];
    session = new SpecSession(director, { resolver, timers, warning: (sentence) => warnings.push(sentence) });
  });

  afterEach(async () => {
    await director.close();
    await session.close();
  });

  const server = (address: string) => director.virtualService(WEB)?.realServer({ address });
  const servers = () =>
    director.virtualService(WEB)?.realServers.map(({ address, port, weight }) => `${address}:${port} ${weight}`);
  const refreshed = async () => {
    await timers.fire();
    await new Promise((resolve) => setTimeout(resolve, 60));
    await settled();
  };

  it('keeps what was changed by hand and the file did not change, unless it is told to reset', async () => {
    const placed = { spec: spec({ ...WEB, servers: [{ address: '10.3.0.11' }, { address: '10.3.0.12' }] }) };
    await session.apply(placed);
    const first = server('10.3.0.11');
    assert(first);
    first.weight = 7;
    director.addVirtualService({ ...WEB, port: 443 });
    assert.deepEqual(await session.apply(placed), []);
    const next = { spec: spec({ ...WEB, servers: [{ address: '10.3.0.11' }, { address: '10.3.0.12', weight: 2 }] }) };
    assert.equal((await session.plan(next)).length, 1);
    await session.apply(next);
    assert.deepEqual(servers(), ['10.3.0.11:80 7', '10.3.0.12:80 2']);
    assert.equal(director.virtualServices.length, 2);
    assert.equal(session.current(), next);
    await session.apply(next, { reset: true });
    assert.deepEqual(servers(), ['10.3.0.11:80 1', '10.3.0.12:80 2']);
    assert.equal(director.virtualServices.length, 1);
  });

  it('stays with the spec before when the next one holds a mistake', async () => {
    const placed = { spec: spec({ ...WEB, servers: [{ address: '10.3.0.11' }] }) };
    await session.apply(placed);
    const wrong = {
      spec: spec({ ...WEB, servers: [{ dns: 'web.internal' }, { address: '10.3.0.11', lowerThreshold: 3 }] }),
    };
    await assert.rejects(session.apply(wrong), SpecError);
    assert.equal(session.current(), placed);
    assert.deepEqual(servers(), ['10.3.0.11:80 1']);
    assert.deepEqual(timers.pending, [], 'the name of the wrong spec is not watched');
  });

  it('tells what needs a restart until it is restarted, and applies the rest', async () => {
    await session.apply({ spec: { ...spec({ ...WEB }), pathMtu: 1400 } });
    const next = {
      spec: { ...spec({ ...WEB, servers: [{ address: '10.3.0.11' }] }), source: [SOURCE], egress: 'raw' } as Spec,
    };
    for (const left of [1, 0]) {
      const changes = await session.apply(next);
      assert.deepEqual(
        changes.filter(({ change }) => change === 'restart').map(({ sentence }) => sentence),
        [
          'egress: the default -> raw needs a restart: it stays as it is until then',
          'pathMtu: 1400 -> the default needs a restart: it stays as it is until then',
        ],
      );
      assert.equal(changes.length, 2 + left);
    }
  });

  it('does not print the secret of the hash', async () => {
    await session.apply({ spec: { ...spec(), hashSeed: 12345 } });
    const changes = await session.apply({ spec: { ...spec(), hashSeed: '67890' } });
    assert.deepEqual(changes, [
      {
        change: 'restart',
        what: 'option',
        name: 'hashSeed',
        sentence: 'hashSeed needs a restart: it stays as it is until then',
      },
    ]);
  });

  it('has the servers that DNS names from the first, with the settings of the file, and follows DNS', async () => {
    resolver.set('web.internal', '10.3.0.12', '10.3.0.11');
    await session.apply({
      spec: spec({ ...WEB, servers: [{ dns: 'web.internal', weight: 3 }, { address: '10.3.0.9' }] }),
    });
    assert.deepEqual(servers(), ['10.3.0.11:80 3', '10.3.0.12:80 3', '10.3.0.9:80 1']);
    const kept = server('10.3.0.12');
    assert(kept);
    kept.weight = 5;
    resolver.set('web.internal', '10.3.0.13', '10.3.0.12');
    await refreshed();
    assert.deepEqual(servers(), ['10.3.0.12:80 5', '10.3.0.9:80 1', '10.3.0.13:80 3']);
    assert.equal(server('10.3.0.12'), kept);
    resolver.addresses.set('web.internal', 'ESERVFAIL');
    await refreshed();
    assert.deepEqual(servers(), ['10.3.0.12:80 5', '10.3.0.9:80 1', '10.3.0.13:80 3']);
  });

  it('does not bring a service back because of DNS that was deleted by hand', async () => {
    resolver.set('web.internal', '10.3.0.11');
    await session.apply({ spec: spec({ ...WEB, servers: [{ dns: 'web.internal' }] }) });
    director.virtualService(WEB)?.delete();
    resolver.set('web.internal', '10.3.0.12');
    await refreshed();
    assert.deepEqual([director.virtualServices, warnings], [[], []]);
  });

  it('takes ports and weights of SRV records', async () => {
    const name = '_http._tcp.web.internal';
    resolver.services.set(name, [
      { name: 'a', port: 80, priority: 1, weight: 3 },
      { name: 'b', port: 80, priority: 1, weight: 0 },
    ]);
    resolver.set('a', '10.3.0.11');
    resolver.set('b', '10.3.0.12');
    await session.apply({ spec: spec({ ...WEB, servers: [{ dns: name, weight: 10 }] }) });
    assert.deepEqual(servers(), ['10.3.0.11:80 30', '10.3.0.12:80 1']);
  });

  it('leaves out what cannot be a server and tells it once', async () => {
    const wrong = ['224.0.0.1', '192.0.2.1', SOURCE, '127.0.0.1', '0.0.0.0', 'fe80::1', '2001:db8::1'];
    resolver.set('web.internal', ...wrong, '10.3.0.11');
    await session.apply({ spec: spec({ ...WEB, servers: [{ dns: 'web.internal' }] }) });
    assert.deepEqual(servers(), ['10.3.0.11:80 1']);
    assert.equal(warnings.length, wrong.length);
    for (const address of wrong)
      assert(
        warnings.some((warning) => warning.includes(` ${address}`)),
        address,
      );
    await refreshed();
    assert.equal(warnings.length, wrong.length);
  });

  it('takes at most 256 servers of a name, and those first that it has already', async () => {
    const many = Array.from({ length: 1_000 }, (_, index) => `10.4.${index >> 8}.${index & 255}`);
    resolver.set('web.internal', '10.9.0.1');
    await session.apply({ spec: spec({ ...WEB, servers: [{ dns: 'web.internal' }] }) });
    resolver.set('web.internal', ...many, '10.9.0.1');
    await refreshed();
    assert.equal(servers()?.length, 256);
    assert(server('10.9.0.1'));
    assert.deepEqual(warnings, ['web.internal stands for 1001 servers: 256 are taken']);
  });

  it('changes nothing once it is closed, whatever was under way', async () => {
    resolver.set('web.internal', '10.3.0.11');
    const placed = { spec: spec({ ...WEB, servers: [{ dns: 'web.internal' }] }) };
    await session.apply(placed);
    const under = session.apply({ spec: spec({ ...WEB, servers: [{ dns: 'other.internal' }] }) });
    const closing = session.close();
    await assert.rejects(under, { code: 'ERR_TUNVS_CLOSED' });
    await closing;
    await assert.rejects(session.apply(placed), { code: 'ERR_TUNVS_CLOSED' });
    assert.deepEqual([servers(), timers.pending], [['10.3.0.11:80 1'], []]);
  });

  it('makes answers that come together one transaction', async () => {
    for (const name of ['a', 'b', 'c']) resolver.set(name, '10.3.0.11');
    const each = ['a', 'b', 'c'].map((dns, index) => ({ ...WEB, port: 80 + index, servers: [{ dns }] }));
    await session.close();
    let changed = 0;
    session = new SpecSession(director, { resolver, timers, changed: () => (changed += 1) });
    await session.apply({ spec: spec(...each) });
    for (const name of ['a', 'b', 'c']) resolver.set(name, '10.3.0.12');
    await refreshed();
    assert.equal(changed, 1);
    assert(director.virtualServices.every(({ realServers }) => realServers[0]?.address === '10.3.0.12'));
  });
});

describe('a session of specs at a name server', () => {
  it('follows the records, through a failure, and asks no more when it is closed', async () => {
    await using director = Director.offline({ source: SOURCE, maxConnections: 1024 });
    const server = await DnsServer.open();
    const told: string[] = [];
    const session = new SpecSession(director, {
      resolver: nodeResolver([server.address]),
      dns: ({ kind }) => told.push(kind),
    });
    try {
      const answer = (...addresses: string[]) =>
        server.records.set(
          'web.internal',
          addresses.map((address) => ({ type: 'A', address, ttl: 1 })),
        );
      const has =
        (...addresses: string[]) =>
        () =>
          assert.deepEqual(
            director.virtualService(WEB)?.realServers.map(({ address }) => address),
            addresses,
          );
      answer('10.3.0.12', '10.3.0.11');
      await session.apply({ spec: spec({ ...WEB, servers: [{ dns: 'web.internal' }] }) });
      has('10.3.0.11', '10.3.0.12')();
      server.isFailing = true;
      await eventuallyHolds(async () => assert.deepEqual(told, ['failing']));
      has('10.3.0.11', '10.3.0.12')();
      answer('10.3.0.13', '10.3.0.12');
      server.isFailing = false;
      await eventuallyHolds(async () => has('10.3.0.12', '10.3.0.13')());
      assert.deepEqual(told, ['failing', 'recovered']);
    } finally {
      await session.close();
      await server.close();
    }
  });
});
