/** What health has to do with a director's role and with what its host announces. */
import { strict as assert } from 'node:assert';
import type { HealthOptions } from '../../lib/health/options.js';
import type { RealServer } from '../../lib/index.js';
import { Monitored, scripted } from '../support/monitored.js';

const QUICK: HealthOptions = {
  checks: [scripted()],
  ...{ intervalMs: 1000, timeoutMs: 500, retries: 0, rise: 1, fall: 1, jitter: 0 },
};

describe('HealthMonitor: roles and announcements', () => {
  let on: Monitored;
  afterEach(() => on.close());

  it('goes on on a standby, unless it is told to rest', async () => {
    on = new Monitored();
    on.monitor.watch(on.service(undefined, 1), QUICK);
    on.director.setRole('standby');
    await on.clock.advance(3000);
    assert.ok(on.asked.length >= 2, `${on.asked.length} checks`);
  });

  it('rests on a standby, keeps what is known, and checks again once that is active', async () => {
    on = new Monitored({ onStandby: 'rest' });
    const service = on.service(undefined, 1);
    const [server] = service.realServers as [RealServer];
    on.answer(server, 'fail');
    on.monitor.watch(service, QUICK);
    await on.clock.advance(1100);
    assert.equal(on.monitor.of(server)?.state, 'down');
    on.director.setRole('standby');
    await on.clock.settle();
    const asked = on.asked.length;
    on.answer(server, 'pass');
    await on.clock.advance(5000);
    assert.equal(on.asked.length, asked);
    assert.equal(on.monitor.of(server)?.state, 'down');
    on.director.setRole('active');
    await on.clock.advance(1100);
    assert.equal(on.monitor.of(server)?.state, 'up');
  });

  it('rests from the start when the director is a standby then', async () => {
    on = new Monitored();
    on.director.setRole('standby');
    const other = on.second({ onStandby: 'rest' });
    other.watch(on.service(undefined, 1), QUICK);
    await on.clock.advance(3000);
    assert.equal(on.asked.length, 0);
    await other.close();
  });

  it('asks nobody while the director takes the place of another, whose packets wait', async () => {
    on = new Monitored();
    let begin = (): void => {};
    on.director.whenComplete = (tell) => {
      begin = tell;
    };
    const other = on.second({});
    const [service, resting] = [on.service(undefined, 1), on.service('192.0.2.2', 1)];
    for (const each of [service, resting]) other.watch(each, QUICK);
    other.rest(resting);
    other.resume(service);
    other.resume();
    other.rest(resting);
    await on.clock.advance(3000);
    assert.equal(on.asked.length, 0);
    begin();
    await on.clock.advance(1100);
    assert.deepEqual([...new Set(on.asked.map(({ server }) => server.service.address))], [service.address]);
    await other.close();
  });

  it('holds an address back until a server is known to be up, and while none is', async () => {
    on = new Monitored();
    const service = on.service(undefined, 2);
    service.edit({ announce: 'when-up' });
    on.monitor.watch(service, QUICK);
    assert.deepEqual(on.director.heldBack, ['192.0.2.1'], 'nothing is known');
    await on.clock.advance(1100);
    assert.deepEqual(on.director.heldBack, []);
    const [first, second] = service.realServers as [RealServer, RealServer];
    on.answer(first, 'fail');
    await on.clock.advance(1100);
    assert.deepEqual(on.director.heldBack, []);
    on.answer(second, 'fail');
    await on.clock.advance(1100);
    assert.deepEqual(on.director.heldBack, ['192.0.2.1']);
    on.answer(second, 'pass');
    await on.clock.advance(1100);
    assert.deepEqual(on.director.heldBack, []);
  });

  it('goes by the quorum that is asked for, and by who is drained', async () => {
    on = new Monitored();
    const service = on.service(undefined, 3);
    service.edit({ announce: 'when-up' });
    on.monitor.watch(service, { ...QUICK, quorum: 2 });
    await on.clock.advance(1100);
    const [first, second] = service.realServers as [RealServer, RealServer];
    on.answer(first, 'fail');
    await on.clock.advance(1100);
    assert.deepEqual(on.director.heldBack, []);
    second.isUp = false;
    await on.clock.settle();
    assert.deepEqual(on.director.heldBack, ['192.0.2.1']);
  });

  it('has no say any more once nobody watches', async () => {
    on = new Monitored();
    const service = on.service(undefined, 1);
    service.edit({ announce: 'when-up' });
    on.answer(service.realServers[0] as RealServer, 'fail');
    on.monitor.watch(service, QUICK);
    await on.clock.advance(1100);
    assert.deepEqual(on.director.heldBack, ['192.0.2.1']);
    on.monitor.unwatch(service);
    assert.deepEqual(on.director.heldBack, []);
  });

  it('refuses another word for what it does on a standby', () => {
    on = new Monitored();
    assert.throws(() => on.second({ onStandby: 'sleep' as 'rest' }), { code: 'ERR_TUNVS_INVALID_ARGUMENT' });
  });
});
