import { strict as assert } from 'node:assert';
import { CheckFailure } from '../../lib/health/checks/check.js';
import type { HealthEvents } from '../../lib/health/events.js';
import type { HealthOptions } from '../../lib/health/options.js';
import type { Reach } from '../../lib/health/probe.js';
import { PinnedWays } from '../../lib/health/way/pinned-ways.js';
import { runCheck } from '../../lib/health/way/run-check.js';
import type { RealServer } from '../../lib/index.js';
import { Monitored, scripted } from '../support/monitored.js';

const QUICK: HealthOptions = {
  checks: [scripted()],
  ...{ intervalMs: 1000, timeoutMs: 500, retries: 1, retryDelayMs: 100, rise: 2, fall: 1, jitter: 0 },
};

function assertHas(actual: object | undefined, part: object): void {
  assert.deepEqual({ ...actual, ...part }, { ...actual });
}

describe('HealthMonitor', () => {
  let on: Monitored;
  beforeEach(() => {
    on = new Monitored();
  });
  afterEach(() => on.close());

  it('takes a server that fails out of the list, and brings it back', async () => {
    const service = on.service(undefined, 2);
    const [first, second] = service.realServers as [RealServer, RealServer];
    on.monitor.watch(service, QUICK);
    await on.clock.advance(2000);
    assert.deepEqual(on.changes, []);
    on.answer(first, 'fail');
    await on.clock.advance(1200);
    assert.deepEqual(on.changes, ['10.3.0.1 down']);
    assert.deepEqual(first.health, { isUp: false, isOut: true, onDown: 'reset' });
    assert.equal(first.fullWeight, 0);
    assert.equal(second.health?.isUp, true);
    on.answer(first, 'pass');
    await on.clock.advance(1000);
    assert.deepEqual(on.changes, ['10.3.0.1 down'], 'one pass of two is not enough');
    await on.clock.advance(1000);
    assert.deepEqual(on.changes, ['10.3.0.1 down', '10.3.0.1 up']);
    assert.equal(first.fullWeight, 1);
  });

  describe("when the director's own host is at fault", () => {
    const NO_PORT = {
      reason: 'failed',
      message: 'no port is left',
      mend: 'Take more ports.',
      isOwnFault: true,
    } as const;
    const faults = () =>
      on.told
        .filter(([name]) => name === 'ownFault')
        .map(([, event]) => event as HealthEvents['ownFault'][0])
        .map(({ message, isOver }) => `${message}${isOver ? ' is over' : ''}`);

    it('keeps every server as it is, up or down, and tells it once', async () => {
      const service = on.service(undefined, 3);
      const [first, second, third] = service.realServers as [RealServer, RealServer, RealServer];
      on.answer(third, 'fail');
      on.monitor.watch(service, QUICK);
      await on.clock.advance(2000);
      assert.deepEqual(on.changes, ['10.3.0.3 down']);
      for (const server of [first, second, third]) on.answer(server, { passed: false, ...NO_PORT });
      await on.clock.advance(10_000);
      assert.deepEqual(on.changes, ['10.3.0.3 down']);
      assert.deepEqual(faults(), ['no port is left']);
      const view = on.monitor.of(first);
      assertHas(view, { state: 'up', ownFault: 'mine: no port is left' });
      assertHas(view?.checks[0], { failures: 0 });
      assertHas(view?.checks[0]?.results[0], { isOwnFault: true, isVoid: true });
      for (const server of [first, second]) on.answer(server, 'pass');
      await on.clock.advance(2000);
      assert.deepEqual(faults(), ['no port is left']);
      on.monitor.watch(service, { ...QUICK, forServer: (server) => (server === third ? false : {}) });
      assert.deepEqual(faults(), ['no port is left', 'no port is left is over'], 'nobody checks the last one any more');
      assert.equal(on.monitor.of(first)?.ownFault, undefined);
    });

    it('takes it from a check that throws it as well, and asks at the usual interval', async () => {
      await on.close();
      let asked = 0;
      const reach = async () => {
        asked += 1;
        throw new CheckFailure('failed', 'no port is left', { isOwnFault: true });
      };
      on = new Monitored({}, { reach });
      const service = on.service(undefined, 1);
      on.monitor.watch(service, QUICK);
      await on.clock.advance(10_500);
      assert.deepEqual(on.changes, []);
      assert.deepEqual(faults(), ['no port is left']);
      assert.ok(asked >= 10 && asked <= 11, `${asked}`);
    });
  });

  it('says once what keeps checks by virtual addresses from passing, as a warning of the director', async () => {
    const warned: string[] = [];
    on.director.on('warning', ({ message }) => warned.push(message));
    on.oddities = ['rp_filter is strict on eth0'];
    on.monitor.watch(on.service(undefined, 1), QUICK);
    await on.clock.settle();
    assert.deepEqual(warned, [], 'nothing asks by a virtual address');
    const service = on.service('192.0.2.2', 1);
    on.monitor.watch(service, { ...QUICK, checks: [scripted('mine', true)] });
    await on.clock.settle();
    service.addRealServer({ address: '10.3.0.9' });
    await on.clock.settle();
    assert.deepEqual(warned, on.oddities);
    assert.deepEqual(on.director.warnings.slice(-1), on.oddities);
    on.oddities = [];
    assert.ok(!on.director.warnings.includes('rp_filter is strict on eth0'), 'it was mended');
  });

  it('lets a server that comes later and begins as down be up for no moment', async () => {
    const service = on.service(undefined, 1);
    on.monitor.watch(service, { ...QUICK, start: 'down' });
    await on.clock.advance(2000);
    const late = service.addRealServer({ address: '10.3.0.8' });
    assert.deepEqual([late.fullWeight, late.health?.isUp], [0, false]);
    let changes = 0;
    const { transaction } = on.director;
    on.director.transaction = (change) => {
      changes += 1;
      return transaction.call(on.director, change) as never;
    };
    const more = on.director.transaction(() =>
      ['10.3.0.6', '10.3.0.7'].map((address) => service.addRealServer({ address })),
    );
    assert.deepEqual(
      more.map(({ fullWeight }) => fullWeight),
      [0, 0],
    );
    assert.equal(changes, 2, 'those of one transaction are set down together');
    await on.clock.advance(2000);
    assert.deepEqual(
      service.realServers.map(({ fullWeight }) => fullWeight),
      [1, 1, 1, 1],
    );
  });

  it('says why a server is down, in its event and its view', async () => {
    const service = on.service(undefined, 1);
    const [server] = service.realServers as [RealServer];
    on.answer(server, { passed: false, reason: 'wrong answer', message: 'status 503', mend: 'Start the application.' });
    on.monitor.watch(service, QUICK);
    await on.clock.advance(1000);
    const [, event] = on.told.find(([name]) => name === 'server') as ['server', HealthEvents['server'][0]];
    assertHas(event, {
      ...{ isUp: false, isFirst: true, check: 'mine', reason: 'wrong answer', message: 'mine: status 503' },
      mend: 'Start the application.',
    });
    const view = on.monitor.of(server);
    assertHas(view, { isUp: false, state: 'down', reason: 'wrong answer', isResting: false });
    assert.equal(view?.since, event.at);
    assert.equal(view?.checks[0]?.results[0]?.message, 'status 503');
    assert.ok((view?.checks[0]?.nextAt ?? 0) >= on.clock.timeMs());
    assert.match(JSON.stringify(on.monitor), /"message":"mine: status 503"/);
  });

  it('gives a server that starts as down no connection before its first check has passed', async () => {
    const service = on.service(undefined, 1);
    const [server] = service.realServers as [RealServer];
    on.monitor.watch(service, { ...QUICK, start: 'down' });
    assert.deepEqual(server.health?.isUp, false);
    assert.equal(on.monitor.of(server)?.state, 'starting');
    await on.clock.advance(1000);
    assert.equal(server.health?.isUp, true);
  });

  it('keeps a server of inhibit in the list with weight 0', async () => {
    const service = on.service(undefined, 1);
    const [server] = service.realServers as [RealServer];
    on.answer(server, 'fail');
    on.monitor.watch(service, { ...QUICK, inhibit: true, onDown: 'keep' });
    await on.clock.advance(1000);
    assert.deepEqual(server.health, { isUp: false, isOut: false, onDown: 'keep' });
  });

  it('wants all checks of a server to pass', async () => {
    const service = on.service(undefined, 1);
    const [server] = service.realServers as [RealServer];
    on.monitor.watch(service, { ...QUICK, checks: [scripted('tcp'), scripted('http'), { check: scripted('http') }] });
    await on.clock.advance(1000);
    assert.deepEqual(
      on.monitor.of(server)?.checks.map(({ name }) => name),
      ['tcp', 'http', 'http-2'],
    );
    on.answer(server, 'fail', 'http');
    await on.clock.advance(1500);
    assert.equal(server.health?.isUp, false);
    on.answer(server, 'fail', 'tcp');
    on.answer(server, 'pass', 'http');
    await on.clock.advance(3000);
    assert.equal(server.health?.isUp, false);
    on.answer(server, 'pass', 'tcp');
    await on.clock.advance(3000);
    assert.equal(server.health?.isUp, true);
  });

  it('puts all that has changed in one turn into force at one moment', async () => {
    const service = on.service(undefined, 2);
    const other = on.service('192.0.2.2', 2);
    let transactions = 0;
    const { transaction } = on.director;
    on.director.transaction = ((body) => {
      transactions += 1;
      return transaction.call(on.director, body);
    }) as typeof transaction;
    const both = { ...QUICK, via: 'address' as const, warmUpMs: 0, checks: [scripted('mine', true)] };
    on.monitor.watch(service, both);
    on.monitor.watch(other, both);
    await on.clock.advance(900);
    transactions = 0;
    for (const server of service.realServers) on.answer(server, 'fail');
    await on.clock.advance(1000);
    assert.equal(on.changes.length, 4);
    assert.equal(transactions, 1);
  });

  it('asks once what is the same in several services', async () => {
    const timing = { ...QUICK, via: 'address' as const, checks: [scripted('mine', true)] };
    const services = ['192.0.2.1', '192.0.2.2', '192.0.2.3'].map((vip) => on.service(vip, 1));
    for (const service of services) on.monitor.watch(service, timing);
    assert.equal(on.monitor.checks, 1);
    await on.clock.advance(10_000);
    assert.ok(on.asked.length >= 10 && on.asked.length <= 11, `asked ${on.asked.length} times`);
    on.answers.set('10.3.0.1', 'fail');
    await on.clock.advance(1200);
    assert.equal(on.changes.length, 3);
    on.monitor.unwatch(services[0] as (typeof services)[0]);
    on.director.deleteVirtualService(services[1] as (typeof services)[0]);
    assert.equal(on.monitor.checks, 1);
    on.answers.set('10.3.0.1', 'pass');
    await on.clock.advance(2500);
    assert.equal(on.changes.length, 4);
    on.monitor.unwatch(services[2] as (typeof services)[0]);
    assert.equal(on.monitor.checks, 0);
  });

  it('asks apart what is not the same: by the virtual address, another timing, a check without identity', () => {
    const services = ['192.0.2.1', '192.0.2.2'].map((vip) => on.service(vip, 1));
    const [one, two] = services as [(typeof services)[0], (typeof services)[0]];
    const checks = [scripted('mine', true)];
    on.monitor.watch(one, { ...QUICK, checks });
    on.monitor.watch(two, { ...QUICK, checks });
    assert.equal(on.monitor.checks, 2);
    on.monitor.watch(one, { ...QUICK, checks, via: 'address' });
    on.monitor.watch(two, { ...QUICK, checks, via: 'address', intervalMs: 3000 });
    assert.equal(on.monitor.checks, 2);
    const { identity: _, ...nameless } = scripted('mine');
    on.monitor.watch(one, { ...QUICK, checks: [{ ...nameless }] });
    on.monitor.watch(two, { ...QUICK, checks: [{ ...nameless }] });
    assert.equal(on.monitor.checks, 2);
  });

  it('follows servers that come and go', async () => {
    const service = on.service(undefined, 1);
    on.monitor.watch(service, QUICK);
    await on.clock.advance(1000);
    const late = service.addRealServer({ address: '10.3.9.9' });
    on.answer(late, 'fail');
    await on.clock.advance(1500);
    assert.deepEqual(on.changes, ['10.3.9.9 down']);
    assert.equal(on.monitor.checks, 2);
    late.delete();
    assert.equal(on.monitor.checks, 1);
    assert.equal(on.monitor.of(late), undefined);
    await on.clock.advance(1000);
    on.director.deleteVirtualService(service);
    assert.equal(on.monitor.checks, 0);
    assert.equal(on.monitor.of(service), undefined);
  });

  it('keeps what it knows when the same options come again, and a server down when they are others', async () => {
    const service = on.service(undefined, 2);
    const [first] = service.realServers as [RealServer];
    on.monitor.watch(service, QUICK);
    await on.clock.advance(1000);
    on.answer(first, 'fail');
    await on.clock.advance(1500);
    const before = on.monitor.of(first);
    on.monitor.watch(service, { ...QUICK, checks: [scripted()] });
    assert.deepEqual(on.monitor.of(first), before);
    on.monitor.watch(service, { ...QUICK, checks: [scripted('other')], intervalMs: 700 });
    assert.equal(first.health?.isUp, false);
    assert.deepEqual(on.changes, ['10.3.0.1 down']);
    on.answer(first, 'pass');
    await on.clock.advance(2100);
    assert.deepEqual(on.changes, ['10.3.0.1 down', '10.3.0.1 up']);
  });

  it('goes by what is different for a server', async () => {
    const service = on.service(undefined, 3);
    const [first, second, third] = service.realServers as [RealServer, RealServer, RealServer];
    for (const server of service.realServers) on.answer(server, 'fail');
    on.monitor.watch(service, {
      ...QUICK,
      forServer: (server) => (server === first ? false : server === second ? { intervalMs: 4000, inhibit: true } : {}),
    });
    await on.clock.advance(9000);
    assert.equal(first.health, undefined);
    assert.equal(on.monitor.of(first)?.state, 'unchecked');
    assert.equal(second.health?.isOut, false);
    assert.equal(third.health?.isOut, true);
    const times = (server: RealServer) => on.asked.filter((asked) => asked.server === server).length;
    assert.ok(times(second) <= 3 && times(third) >= 8, `${times(second)} and ${times(third)}`);
  });

  it('asks less often while a server is down, if told so', async () => {
    const service = on.service(undefined, 1);
    const [server] = service.realServers as [RealServer];
    on.answer(server, 'fail');
    on.monitor.watch(service, { ...QUICK, downIntervalMs: 5000, warmUpMs: 0 });
    await on.clock.advance(11_000);
    assert.deepEqual(
      on.asked.map(({ atMs }) => atMs - 1000),
      [0, 5000, 10_000],
    );
    on.answer(server, 'pass');
    await on.clock.advance(5000);
    assert.equal(server.health?.isUp, true, 'a server that comes up is asked as often as one that is up');
  });

  it('rests and goes on, and nothing is taken from what ends meanwhile', async () => {
    const service = on.service(undefined, 2);
    const [first] = service.realServers as [RealServer];
    on.takesMs = 300;
    on.monitor.watch(service, { ...QUICK, retries: 0 });
    await on.clock.advance(2000);
    for (const server of service.realServers) on.answer(server, 'fail');
    on.monitor.checkNow(first);
    await on.clock.advance(10);
    assert.equal(on.underWay, 1);
    on.monitor.rest();
    const before = on.asked.length;
    await on.clock.advance(10_000);
    assert.equal(on.asked.length, before);
    assert.deepEqual(on.changes, []);
    assert.equal(on.monitor.of(first)?.isResting, true);
    assert.equal(on.monitor.of(first)?.checks[0]?.nextAt, undefined);
    on.monitor.resume();
    await on.clock.advance(3000);
    assert.equal(on.changes.length, 2);
  });

  it('rests for one service alone, and asks what it shares with others', async () => {
    const shared = { ...QUICK, via: 'address' as const };
    const [one, two] = [on.service('192.0.2.1', 1), on.service('192.0.2.2', 1)];
    on.monitor.watch(one, { ...shared, checks: [scripted('both'), scripted('alone')] });
    on.monitor.watch(two, { ...shared, checks: [scripted('both')] });
    await on.clock.advance(2000);
    on.monitor.rest(one);
    on.asked.length = 0;
    await on.clock.advance(3000);
    assert.deepEqual([...new Set(on.asked.map(({ check }) => check))], ['both']);
    on.monitor.resume(one);
    await on.clock.advance(2000);
    assert.ok(on.asked.some(({ check }) => check === 'alone'));
  });

  it('unwatch() takes back what health said; close() leaves it', async () => {
    const service = on.service(undefined, 1);
    const [server] = service.realServers as [RealServer];
    on.answer(server, 'fail');
    on.monitor.watch(service, QUICK);
    await on.clock.advance(1000);
    on.monitor.unwatch(service);
    assert.deepEqual([server.health, server.fullWeight], [undefined, 1]);
    on.monitor.watch(service, QUICK);
    await on.clock.advance(1000);
    await on.monitor.close();
    assert.equal(server.health?.isUp, false);
    assert.equal(on.clock.timers, 0);
    assert.throws(() => on.monitor.watch(service, QUICK), { code: 'ERR_TUNVS_CLOSED' });
    await on.monitor.close();
  });

  it('prepares the host for the virtual addresses that are checked, and for no others', async () => {
    const [one, two] = [on.service('192.0.2.1', 1), on.service('192.0.2.2', 1)];
    on.monitor.watch(one, { ...QUICK, checks: [scripted('mine', true)] });
    on.monitor.watch(two, { ...QUICK, checks: [scripted('mine', true)], via: 'address' });
    await on.clock.settle();
    assert.deepEqual(on.prepared, [['192.0.2.1']]);
    on.monitor.watch(two, { ...QUICK, checks: [scripted('mine', true)] });
    await on.clock.settle();
    on.director.deleteVirtualService(one);
    await on.clock.settle();
    assert.deepEqual(on.prepared, [['192.0.2.1'], ['192.0.2.1', '192.0.2.2'], ['192.0.2.2']]);
  });

  it('ends with its director', async () => {
    const service = on.service(undefined, 3);
    on.monitor.watch(service, QUICK);
    await on.clock.advance(500);
    await on.director.close();
    await on.clock.advance(5000);
    assert.equal(on.clock.timers, 0);
    assert.deepEqual(
      on.told.filter(([name]) => name === 'applyFailed'),
      [],
    );
  });

  it('tells what will fail soon, once', async () => {
    const service = on.service(undefined, 1);
    const [server] = service.realServers as [RealServer];
    on.answer(server, { warning: 'the certificate expires in 6 days' });
    on.monitor.watch(service, QUICK);
    await on.clock.advance(5000);
    assert.equal(on.told.filter(([name]) => name === 'warning').length, 1);
  });

  it('hears a server that words its warning anew with each check once in a minute', async () => {
    let checks = 0;
    const reach = async () => ({ passed: true, message: '', warning: `word ${Math.min(++checks, 70)}` });
    const flooded = new Monitored({}, { reach });
    flooded.monitor.watch(flooded.service(undefined, 1), QUICK);
    await flooded.clock.advance(59_000);
    const warned = () =>
      flooded.told.flatMap(([name, event]) =>
        name === 'warning' ? [(event as HealthEvents['warning'][0]).message] : [],
      );
    assert.deepEqual(warned(), ['word 1']);
    assert.ok(checks > 50, `${checks} checks`);
    await flooded.clock.advance(121_000);
    assert.deepEqual([warned().length, warned().at(-1)], [3, 'word 70']);
    await flooded.close();
  });

  it('refuses mistakes by name, and changes nothing then', () => {
    const service = on.service(undefined, 1);
    const mistakes: [Partial<HealthOptions>, string][] = [
      [{ checks: [] }, 'checks'],
      [{ intervalMs: 1 }, 'intervalMs'],
      [{ jitter: 2 }, 'jitter'],
      [{ rise: 0 }, 'rise'],
      [{ quorum: 2, hysteresis: 2 }, 'hysteresis'],
      [{ failOpen: { above: 0 } }, 'above'],
      [{ failOpen: { above: 1 } }, 'above'],
      [{ damping: { suppressAbove: 0 } }, 'suppressAbove'],
      [{ damping: { maxSuppressMs: 60_000 } }, 'damping'],
      [{ onDown: 'explode' as 'drop' }, 'onDown'],
      [{ forServer: () => ({ intervalMs: -1 }) }, 'intervalMs'],
      [{ notify: { quorumUp: { command: [] as unknown as [string] } } }, 'command'],
    ];
    for (const [mistake, option] of mistakes)
      assert.throws(() => on.monitor.watch(service, { ...QUICK, ...mistake }), {
        code: 'ERR_TUNVS_INVALID_ARGUMENT',
        option,
      });
    assert.equal(on.monitor.of(service), undefined);
    assert.equal(on.monitor.checks, 0);
  });

  it('refuses to ask a service by mark that has no virtual address, and keeps its servers if it loses one', async () => {
    await on.close();
    let ways: PinnedWays | undefined;
    const reach: Reach = (check, server, how, signal) => {
      ways ??= new PinnedWays(on.director);
      return runCheck(ways, { check, server, via: how.via, timeoutMs: how.timeoutMs, signal });
    };
    on = new Monitored({}, { reach });
    const service = on.director.addVirtualService({ mark: 7 });
    const server = service.addRealServer({ address: '10.3.0.1' });
    const options = { ...QUICK, checks: [scripted('mine', true)] };
    const refused = { code: 'ERR_TUNVS_INVALID_ARGUMENT', option: 'virtualAddress', message: /mark 7 has no rule/ };
    assert.throws(() => on.monitor.watch(service, options), refused);
    assert.equal(on.monitor.of(service), undefined);
    on.director.setMarks([{ mark: 7, destination: '192.0.2.1' }]);
    on.monitor.watch(service, options);
    on.director.setMarks([]);
    await on.clock.advance(10_000);
    assert.deepEqual(on.changes, []);
    assert.match(on.monitor.of(server)?.ownFault ?? '', /the service of mark 7 has no virtual address/);
    for (const fine of [{ via: 'address' }, { checks: [scripted()] }, { virtualAddress: '192.0.2.1' }] as const)
      on.monitor.watch(service, { ...options, ...fine });
    ways?.[Symbol.dispose]();
  });
});
