import { strict as assert } from 'node:assert';
import type { Finding } from '../../lib/health/checks/check.js';
import type { HealthEvents } from '../../lib/health/events.js';
import { checkedHealthOptions } from '../../lib/health/health-options.js';
import type { DampingOptions, HealthOptions } from '../../lib/health/options.js';
import { NO_PENALTY, penalized } from '../../lib/health/rules/damping.js';
import { CLOSED, failOpen } from '../../lib/health/rules/fail-open.js';
import { observed, UNOBSERVED } from '../../lib/health/rules/observe.js';
import type { RealServer } from '../../lib/index.js';
import { Monitored, scripted } from '../support/monitored.js';

const QUICK: HealthOptions = {
  checks: [scripted()],
  ...{ intervalMs: 1000, timeoutMs: 500, retries: 0, rise: 1, fall: 1, jitter: 0 },
};

describe('HealthMonitor: edges', () => {
  let on: Monitored;
  beforeEach(() => {
    on = new Monitored();
  });
  afterEach(() => on.close());

  const told = <Name extends keyof HealthEvents>(name: Name) =>
    on.told.filter(([each]) => each === name).map(([, event]) => event as HealthEvents[Name][0]);

  it('keeps the weight that a check has advised while its failures do not count yet', async () => {
    const service = on.service(undefined, 1, 10);
    const [server] = service.realServers as [RealServer];
    on.answer(server, { advice: { factor: 0.1 } });
    on.monitor.watch(service, { ...QUICK, fall: 3 });
    await on.clock.advance(1000);
    assert.equal(server.fullWeight, 1);
    on.answer(server, 'fail');
    await on.clock.advance(1000);
    assert.deepEqual([on.monitor.of(server)?.state, server.fullWeight], ['up', 1]);
    on.answer(server, 'pass');
    await on.clock.advance(1000);
    assert.equal(server.fullWeight, 10, 'a pass without a word takes it back');
  });

  it('tries what is refused once a second, however much is refused meanwhile', async () => {
    const service = on.service(undefined, 4);
    const servers = service.realServers;
    on.monitor.watch(service, QUICK);
    await on.clock.advance(1000);
    const { transaction } = on.director;
    on.director.transaction = () => {
      throw new Error('not now');
    };
    for (const server of servers) {
      on.answer(server, 'fail');
      await on.clock.advance(1000);
    }
    await on.clock.advance(1000);
    const before = told('applyFailed').length;
    await on.clock.advance(5000);
    on.director.transaction = transaction;
    assert.equal(told('applyFailed').length - before, 5);
  });

  it('lets a held server go by the rules that are in force now', async () => {
    const service = on.service(undefined, 1);
    const [server] = service.realServers as [RealServer];
    const damping = { penalty: 4000, suppressAbove: 3000, reuseBelow: 1000, maxSuppressMs: 600_000 };
    on.monitor.watch(service, { ...QUICK, damping: { ...damping, halfLifeMs: 10_000 } });
    await on.clock.advance(1000);
    on.answer(server, 'fail');
    await on.clock.advance(1000);
    on.answer(server, 'pass');
    await on.clock.advance(1000);
    assert.equal(on.monitor.of(server)?.state, 'held');
    on.monitor.watch(service, { ...QUICK, damping: { ...damping, halfLifeMs: 20_000 } });
    await on.clock.advance(30_000);
    assert.equal(on.monitor.of(server)?.state, 'held');
    await on.clock.advance(12_000);
    assert.equal(on.monitor.of(server)?.state, 'up');
  });

  it('has a server back that failed by its traffic although its agent is silent', async () => {
    const service = on.service(undefined, 1);
    const [server] = service.realServers as [RealServer];
    on.answer(server, { passed: false, reason: 'refused', message: 'refused' }, 'agent');
    const checks = [scripted('tcp'), { check: scripted('agent'), isAgent: true }];
    on.monitor.watch(service, { ...QUICK, checks, rise: 3, observe: { failAfter: 1 } });
    on.signals.set(server.address, { newConnections: 0, troubles: 0 });
    await on.clock.advance(1000);
    on.signals.set(server.address, { newConnections: 10, troubles: 9 });
    await on.clock.advance(1000);
    assert.equal(on.monitor.of(server)?.state, 'down');
    await on.clock.advance(4000);
    assert.equal(on.monitor.of(server)?.state, 'up');
  });

  it('checks a server that a listener adds while what checks say comes into force', async () => {
    const service = on.service(undefined, 2);
    const [server] = service.realServers as [RealServer];
    on.monitor.watch(service, QUICK);
    await on.clock.advance(1000);
    let added: RealServer | undefined;
    on.director.on('realServer', ({ change }) => {
      if (change === 'edited') added ??= service.addRealServer({ address: '10.3.0.99' });
    });
    on.answer(server, 'fail');
    await on.clock.advance(3000);
    assert.ok(added, 'the director tells what health has edited');
    assert.equal(on.monitor.of(added)?.state, 'up');
    on.answer(added, 'fail');
    await on.clock.advance(1000);
    assert.equal(added.health?.isUp, false);
  });

  it('goes by a weight that a listener sets while what checks say comes into force', async () => {
    const service = on.service(undefined, 2);
    const [first, second] = service.realServers as [RealServer, RealServer];
    on.monitor.watch(service, { ...QUICK, quorum: 2 });
    await on.clock.advance(1000);
    on.director.on('realServer', ({ change, server }) => {
      if (change === 'edited' && server === first && second.weight === 1) second.weight = 5;
    });
    on.answer(first, 'fail');
    await on.clock.advance(1000);
    assert.equal(first.health?.isUp, false);
    assert.deepEqual([on.monitor.of(service)?.weight, on.monitor.of(service)?.isUp], [5, true]);
  });

  it('goes by a weight that a listener sets of the very server that health has edited', async () => {
    const service = on.service(undefined, 2);
    const [first] = service.realServers as [RealServer];
    on.monitor.watch(service, QUICK);
    on.answer(first, 'fail');
    await on.clock.advance(1000);
    on.director.on('realServer', ({ change, server }) => {
      if (change === 'edited' && server === first && first.weight === 1) first.weight = 7;
    });
    on.answer(first, 'pass');
    await on.clock.advance(1000);
    assert.equal(on.monitor.of(service)?.weight, 8);
  });

  it('asks forServer() for no server that health alone has edited', async () => {
    const service = on.service(undefined, 2);
    const [first] = service.realServers as [RealServer];
    let asked = 0;
    const countAsked = () => {
      asked += 1;
      return undefined;
    };
    on.monitor.watch(service, { ...QUICK, forServer: () => countAsked() });
    const before = asked;
    on.answer(first, 'fail');
    await on.clock.advance(2000);
    assert.equal(first.health?.isUp, false);
    assert.equal(asked, before);
  });

  it('tells a warning once that comes with results that do not count', async () => {
    const service = on.service(undefined, 1);
    const [server] = service.realServers as [RealServer];
    on.answer(server, {
      ...{ passed: false, reason: 'failed', isOwnFault: true },
      ...{ message: 'no port is left', warning: 'the certificate expires in 6 days' },
    });
    on.monitor.watch(service, QUICK);
    await on.clock.advance(5000);
    assert.equal(told('warning').length, 1);
    on.answer(server, { passed: false, reason: 'failed', isOwnFault: true, message: 'no port is left' });
    await on.clock.advance(2000);
    on.answer(server, { warning: 'the certificate expires in 6 days' });
    await on.clock.advance(2000);
    assert.equal(told('warning').length, 1, 'what did not count has not taken it back');
  });

  it('fails a server by its traffic at once, until its checks have passed as often as rise says', async () => {
    const service = on.service(undefined, 1);
    const [server] = service.realServers as [RealServer];
    const options: HealthOptions = { ...QUICK, intervalMs: 60_000, rise: 2, observe: { failAfter: 1 } };
    on.monitor.watch(service, { ...options, warmUpMs: 0 });
    on.signals.set(server.address, { newConnections: 0, troubles: 0 });
    await on.clock.advance(1000);
    on.answer(server, 'hang');
    on.signals.set(server.address, { newConnections: 10, troubles: 9 });
    await on.clock.advance(1000);
    assert.equal(on.monitor.of(server)?.state, 'down', 'no check has to end first');
    on.monitor.watch(service, { ...options, warmUpMs: 0, quorum: 2 });
    await on.clock.settle();
    assert.equal(on.monitor.of(server)?.state, 'down', 'other options do not take it back');
    on.monitor.watch(service, { ...QUICK, intervalMs: 60_000 });
    await on.clock.settle();
    assert.equal(on.monitor.of(server)?.state, 'up', 'nobody looks at the traffic any more');
  });

  it('has a server back after exactly as many passes as rise says', async () => {
    const service = on.service(undefined, 1);
    const [server] = service.realServers as [RealServer];
    on.monitor.watch(service, { ...QUICK, intervalMs: 10_000, warmUpMs: 0, rise: 2, observe: { failAfter: 1 } });
    on.signals.set(server.address, { newConnections: 0, troubles: 0 });
    await on.clock.advance(1000);
    on.signals.set(server.address, { newConnections: 10, troubles: 9 });
    await on.clock.advance(1000);
    assert.equal(on.monitor.of(server)?.state, 'down');
    const before = on.asked.length;
    while (on.monitor.of(server)?.state === 'down' && on.asked.length < before + 5) await on.clock.advance(100);
    assert.equal(on.monitor.of(server)?.state, 'up');
    assert.equal(on.asked.length - before, 1, 'the check that the trouble has brought forward was the first');
  });

  it('bears a check whose advice is no object', async () => {
    const service = on.service(undefined, 1, 10);
    const [server] = service.realServers as [RealServer];
    on.monitor.watch(service, QUICK);
    for (const advice of [5, 'heavy', null]) {
      on.answer(server, { advice: advice as unknown as { weight: number } });
      await on.clock.advance(1000);
      assert.deepEqual([on.monitor.of(server)?.state, server.fullWeight], ['up', 10]);
    }
  });
});

describe('HealthMonitor: faults of the own host', () => {
  it('does not keep one that a check meets after nobody goes by it any more', async () => {
    let answer: (finding: Finding) => void = () => {};
    const reach = () => new Promise<Finding>((resolve) => (answer = resolve));
    const on = new Monitored({}, { reach });
    const service = on.service(undefined, 1);
    on.monitor.watch(service, { ...QUICK, warmUpMs: 0 });
    await on.clock.advance(10);
    on.monitor.unwatch(service);
    answer({ passed: false, reason: 'failed', message: 'no port is left', isOwnFault: true });
    await on.clock.advance(10);
    assert.deepEqual(
      on.told.filter(([name]) => name === 'ownFault'),
      [],
    );
    await on.close();
  });
});

describe('rules of health at their edges', () => {
  it('does not open when exactly the share fails, for each share in hundredths', () => {
    for (let n = 1; n <= 100; n += 1) {
      const failing = new Map(Array.from({ length: n }, (_, server) => [server, 0]));
      const rule = { above: Number(`${n}e-2`), windowMs: 1000 };
      assert.equal(failOpen(CLOSED, failing, 100, 0, rule).isOpen, false, `${n} of 100`);
      assert.equal(failOpen(CLOSED, failing, 99, 0, rule).isOpen, true, `${n} of 99`);
    }
  });

  it('takes damping that can hold a server, and refuses what never can with a mend that is taken', () => {
    const accepted = (damping: DampingOptions) => checkedHealthOptions({ checks: [scripted()], damping }).damping;
    const bounded = { suppressAbove: 8000, reuseBelow: 1000, halfLifeMs: 1000 };
    assert.throws(() => accepted({ ...bounded, maxSuppressMs: 3000 }), {
      code: 'ERR_TUNVS_INVALID_ARGUMENT',
      message:
        'watch: damping: no penalty is ever more than 8000, and suppressAbove is 8000, so nothing is held: ' +
        'set suppressAbove below 8000, or hold for more than 3000 ms at most (maxSuppress)',
    });
    for (const mended of [{ suppressAbove: 7999, maxSuppressMs: 3000 }, { maxSuppressMs: 3001 }]) {
      const rule = accepted({ ...bounded, ...mended, penalty: 100_000 });
      assert.ok(rule && penalized(NO_PENALTY, 0, rule).isHeld);
    }
    assert.ok(accepted({ suppressAbove: 1 }), 'the defaults of the others fit it');
  });

  it('sees no trouble in counts that begin anew', () => {
    const rule = { periodMs: 1000, least: 3, share: 0.5, failAfter: 0 };
    const first = observed(UNOBSERVED, { newConnections: 0, troubles: 0 }, rule);
    const troubled = observed(first, { newConnections: 10, troubles: 9 }, rule);
    assert.equal(troubled.isTroubled, true);
    assert.equal(observed(troubled, { newConnections: 2, troubles: 0 }, rule).isTroubled, false);
  });
});
