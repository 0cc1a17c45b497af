import { strict as assert } from 'node:assert';
import type { HealthEvents } from '../../lib/health/events.js';
import type { HealthOptions } from '../../lib/health/options.js';
import { readSignals } from '../../lib/health/read-signals.js';
import type { RealServer, VirtualService } from '../../lib/index.js';
import { Monitored, scripted } from '../support/monitored.js';

const QUICK: HealthOptions = {
  checks: [scripted()],
  ...{ intervalMs: 1000, timeoutMs: 500, retries: 0, rise: 1, fall: 1, jitter: 0 },
};

/** Returns the servers that the scheduler may choose. */
const taking = (service: VirtualService) =>
  service.realServers.filter(({ fullWeight }) => fullWeight > 0).map(({ address }) => address);

describe('HealthMonitor: failover', () => {
  let on: Monitored;
  beforeEach(() => {
    on = new Monitored();
  });
  afterEach(() => on.close());

  const told = <Name extends keyof HealthEvents>(name: Name) =>
    on.told.filter(([each]) => each === name).map(([, event]) => event as HealthEvents[Name][0]);

  it('puts sorry servers in force when the quorum is lost, and takes them back, with no empty list between', async () => {
    const service = on.service(undefined, 2);
    service.addRealServer({ address: '10.9.9.9', isSorry: true });
    const [first, second] = service.realServers as [RealServer, RealServer];
    const lists: string[][] = [];
    on.director.on('realServer', () => lists.push(taking(service)));
    on.monitor.watch(service, { ...QUICK, quorum: 2, hysteresis: 0 });
    await on.clock.advance(2000);
    assert.deepEqual(taking(service), ['10.3.0.1', '10.3.0.2']);
    on.answer(first, 'fail');
    await on.clock.advance(1100);
    assert.deepEqual(taking(service), ['10.9.9.9'], 'the live server is out as well, as keepalived has it');
    assert.deepEqual(second.health, { isUp: true, isOut: true, onDown: 'keep' });
    on.answer(first, 'pass');
    await on.clock.advance(1100);
    assert.deepEqual(taking(service), ['10.3.0.1', '10.3.0.2']);
    assert.ok(lists.length > 2 && lists.every((list) => list.length > 0), JSON.stringify(lists));
    assert.deepEqual(
      told('quorum').map(({ isUp, weight, sorryServers }) => ({ isUp, weight, sorryServers })),
      [
        { isUp: false, weight: 1, sorryServers: 1 },
        { isUp: true, weight: 2, sorryServers: 0 },
      ],
    );
  });

  it('keeps a sorry server in the list with weight 0 when told so', async () => {
    const service = on.service(undefined, 1);
    const sorry = service.addRealServer({ address: '10.9.9.9', isSorry: true });
    on.monitor.watch(service, { ...QUICK, inhibitSorry: true });
    assert.deepEqual(sorry.health, { isUp: false, isOut: false, onDown: 'keep' });
    on.answer(service.realServers[0] as RealServer, 'fail');
    await on.clock.advance(1100);
    assert.deepEqual(taking(service), ['10.9.9.9']);
  });

  it('loses the quorum when an operator drains the last server, and no check has a part in it', async () => {
    const service = on.service(undefined, 1);
    service.addRealServer({ address: '10.9.9.9', isSorry: true });
    const [server] = service.realServers as [RealServer];
    on.monitor.watch(service, QUICK);
    await on.clock.advance(1000);
    server.isUp = false;
    await on.clock.settle();
    assert.deepEqual(taking(service), ['10.9.9.9']);
    assert.deepEqual(on.changes, []);
    server.isUp = true;
    await on.clock.settle();
    assert.deepEqual(taking(service), ['10.3.0.1']);
  });

  it('keeps a pool of which most fail at once, and tells it', async () => {
    const service = on.service(undefined, 10);
    on.monitor.watch(service, { ...QUICK, failOpen: { above: 0.5 } });
    await on.clock.advance(2000);
    for (const server of service.realServers) on.answer(server, 'fail');
    await on.clock.advance(5000);
    assert.equal(taking(service).length, 10);
    assert.equal(on.monitor.of(service)?.isFailOpen, true);
    assert.equal(on.monitor.of(service.realServers[0] as RealServer)?.state, 'kept');
    assert.deepEqual(told('quorum'), []);
    const [event] = told('failOpen');
    assert.ok(event?.isOpen && event.failing > 5 && event.of === 10);
    for (const server of service.realServers.slice(5)) on.answer(server, 'pass');
    await on.clock.advance(2000);
    assert.equal(told('failOpen').at(-1)?.isOpen, false);
    assert.equal(taking(service).length, 5, 'the others count as failed now');
  });

  it('holds a server that flaps, and lets it go in time', async () => {
    const service = on.service(undefined, 2);
    const [server] = service.realServers as [RealServer];
    on.monitor.watch(service, {
      ...QUICK,
      damping: { penalty: 1000, suppressAbove: 2500, reuseBelow: 1000, halfLifeMs: 30_000, maxSuppressMs: 600_000 },
    });
    await on.clock.advance(1000);
    for (let n = 0; n < 3; n += 1) {
      on.answer(server, 'fail');
      await on.clock.advance(1100);
      on.answer(server, 'pass');
      await on.clock.advance(1100);
    }
    assert.equal(on.monitor.of(server)?.state, 'held');
    assert.equal(server.fullWeight, 0);
    await on.clock.advance(40_000);
    assert.equal(on.monitor.of(server)?.state, 'held');
    await on.clock.advance(10_000);
    assert.equal(on.monitor.of(server)?.state, 'up');
    assert.equal(server.fullWeight, 1);
  });

  it('changes the weight as checks advise, and counts the quorum by it', async () => {
    const service = on.service(undefined, 2, 10);
    const [first, second] = service.realServers as [RealServer, RealServer];
    service.addRealServer({ address: '10.9.9.9', isSorry: true });
    on.answer(first, { advice: { factor: 0.5 } });
    on.answer(second, { advice: { weight: 0 } });
    on.monitor.watch(service, { ...QUICK, quorum: 5 });
    await on.clock.advance(1000);
    assert.deepEqual([first.fullWeight, second.fullWeight], [5, 0]);
    assert.equal(on.monitor.of(service)?.weight, 5);
    assert.deepEqual(on.monitor.of(first)?.advice, { factor: 0.5 });
    on.answer(first, { advice: { add: -6 } });
    await on.clock.advance(1000);
    assert.deepEqual(taking(service), ['10.9.9.9']);
  });

  it('leaves a server to its other checks while its agent is silent, and heeds its word', async () => {
    const service = on.service(undefined, 1, 10);
    const [server] = service.realServers as [RealServer];
    on.answer(server, { passed: false, reason: 'refused', message: 'refused' }, 'agent');
    on.monitor.watch(service, { ...QUICK, checks: [scripted('tcp'), { check: scripted('agent'), isAgent: true }] });
    await on.clock.advance(3000);
    assert.deepEqual([on.monitor.of(server)?.state, server.fullWeight], ['up', 10]);
    on.answer(server, { advice: { factor: 0.2 } }, 'agent');
    await on.clock.advance(1000);
    assert.equal(server.fullWeight, 2);
    on.answer(server, { passed: false, reason: 'timeout', message: 'silence' }, 'agent');
    await on.clock.advance(1000);
    assert.equal(server.fullWeight, 2, 'its last word holds');
    on.answer(server, { passed: false, reason: 'failed', message: 'maint' }, 'agent');
    await on.clock.advance(1000);
    assert.equal(on.monitor.of(server)?.message, 'agent: maint');
    assert.equal(server.fullWeight, 0);
  });

  it('asks sooner when the traffic has trouble', async () => {
    const service = on.service(undefined, 1);
    const [server] = service.realServers as [RealServer];
    on.monitor.watch(service, { ...QUICK, intervalMs: 60_000, warmUpMs: 0, observe: true });
    on.signals.set(server.address, { newConnections: 0, troubles: 0 });
    await on.clock.advance(2500);
    assert.equal(on.asked.length, 1);
    on.answer(server, 'fail');
    on.signals.set(server.address, { newConnections: 10, troubles: 8 });
    await on.clock.advance(1000);
    assert.equal(on.asked.length, 2);
    assert.deepEqual(on.changes, ['10.3.0.1 down']);
  });

  it('fails a server by its traffic alone, and has it back when its checks have passed', async () => {
    const service = on.service(undefined, 1);
    const [server] = service.realServers as [RealServer];
    on.monitor.watch(service, { ...QUICK, rise: 3, observe: { failAfter: 2 } });
    for (const [newConnections, troubles] of [
      [0, 0],
      [10, 9],
      [20, 18],
    ] as const) {
      on.signals.set(server.address, { newConnections, troubles });
      await on.clock.advance(1000);
    }
    await on.clock.advance(100);
    assert.match(on.monitor.of(server)?.message ?? '', /^traffic: /);
    assert.equal(server.fullWeight, 0);
    await on.clock.advance(4000);
    assert.equal(on.monitor.of(server)?.state, 'up');
    assert.deepEqual(on.changes, ['10.3.0.1 down', '10.3.0.1 up']);
  });

  it('reads what the traffic tells of a server from its statistics, as long as there is one', () => {
    const [server] = on.service(undefined, 1).realServers as [RealServer];
    assert.deepEqual(readSignals(server), { newConnections: 0, troubles: 0 });
    server.delete();
    assert.equal(readSignals(server), undefined);
  });

  it('puts what was refused into force later, and says so', async () => {
    const service = on.service(undefined, 1);
    const [server] = service.realServers as [RealServer];
    on.monitor.watch(service, QUICK);
    await on.clock.advance(1000);
    const { transaction } = on.director;
    on.director.transaction = () => {
      throw new Error('not now');
    };
    on.answer(server, 'fail');
    await on.clock.advance(1100);
    assert.ok(told('applyFailed').length >= 1);
    assert.deepEqual(on.changes, []);
    on.director.transaction = transaction;
    await on.clock.advance(1100);
    assert.deepEqual(on.changes, ['10.3.0.1 down']);
    assert.equal(server.health?.isUp, false);
  });

  it('says again what a transaction that failed has taken back', async () => {
    const service = on.service(undefined, 1);
    const [server] = service.realServers as [RealServer];
    assert.throws(() =>
      on.director.transaction(() => {
        on.monitor.watch(service, { ...QUICK, start: 'down', warmUpMs: 10_000 });
        throw new Error('no');
      }),
    );
    assert.equal(server.fullWeight, 1);
    await on.clock.settle();
    assert.equal(server.health?.isUp, false);
  });
});
