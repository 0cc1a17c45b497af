import { strict as assert } from 'node:assert';
import type { HealthEvents } from '../../lib/health/events.js';
import type { HealthOptions } from '../../lib/health/options.js';
import type { RealServer } from '../../lib/index.js';
import { Monitored, scripted } from '../support/monitored.js';

const EACH_SECOND: HealthOptions = {
  checks: [scripted()],
  ...{ intervalMs: 1000, timeoutMs: 500, retries: 1, retryDelayMs: 100, rise: 1, fall: 1, jitter: 0.1 },
};

/** Returns how many checks began in each piece of so many milliseconds. */
function begun({ asked }: Monitored, fromMs: number, untilMs: number, pieceMs: number): number[] {
  const counts = new Array<number>(Math.ceil((untilMs - fromMs) / pieceMs)).fill(0);
  for (const { atMs } of asked)
    if (atMs >= fromMs && atMs < untilMs) (counts[Math.floor((atMs - fromMs) / pieceMs)] as number) += 1;
  return counts;
}

describe('the wheel of probes', () => {
  let on: Monitored;
  afterEach(() => on.close());

  it('spreads 2,000 servers evenly, each once a second, and never in step', async () => {
    on = new Monitored();
    on.monitor.watch(on.service(undefined, 2000), EACH_SECOND);
    await on.clock.advance(5000);
    const pieces = begun(on, 1000, 6000, 50);
    // 100 in each 50 ms on average; jitter moves some of them to the neighbours.
    assert.ok(Math.max(...pieces) <= 150, `${Math.max(...pieces)} in one piece`);
    assert.ok(Math.min(...pieces.slice(1)) >= 60, `${Math.min(...pieces.slice(1))} in one piece`);
    const each = new Map<RealServer, number>();
    for (const { server } of on.asked) each.set(server, (each.get(server) ?? 0) + 1);
    assert.equal(each.size, 2000);
    assert.ok([...each.values()].every((times) => times === 5 || times === 4 || times === 6));
  }).timeout(60_000);

  it('begins no more than twice as many as usual in a short time, although all are due at once', async () => {
    on = new Monitored();
    on.monitor.watch(on.service(undefined, 1000), { ...EACH_SECOND, warmUpMs: 0, jitter: 0 });
    await on.clock.advance(2000);
    assert.ok(Math.max(...begun(on, 1000, 3000, 10)) <= 20);
    assert.ok(on.asked.length >= 1990, `asked ${on.asked.length} times`);
  });

  it('has no more than so many under way at once, and tells those that begin late', async () => {
    on = new Monitored({ atOnce: 10 });
    on.takesMs = 400;
    on.monitor.watch(on.service(undefined, 50), EACH_SECOND);
    await on.clock.advance(12_000);
    assert.equal(on.mostUnderWay, 10);
    assert.deepEqual(on.changes, []);
    const late = on.told.filter(([name]) => name === 'late').map(([, event]) => event as HealthEvents['late'][0]);
    assert.ok(late.length >= 1 && late.length <= 2, `told ${late.length} times`);
    assert.ok(late.every(({ checks, latestMs }) => checks > 0 && latestMs > 100));
    const times = new Set(on.asked.map(({ server }) => server));
    assert.equal(times.size, 50, 'each has its turn');
  });

  it('cuts a check that hangs and heeds no signal, and gives its place to others', async () => {
    on = new Monitored({ atOnce: 1 });
    const service = on.service(undefined, 2);
    const [first, second] = service.realServers as [RealServer, RealServer];
    on.answer(first, 'hang');
    on.monitor.watch(service, { ...EACH_SECOND, intervalMs: 3000 });
    await on.clock.advance(10_000);
    assert.deepEqual(on.changes, ['10.3.0.1 down']);
    assert.equal(on.monitor.of(first)?.reason, 'timeout');
    assert.ok(on.asked.filter(({ server }) => server === second).length >= 3);
  });

  it('takes a check at its word when that comes with the end of its time', async () => {
    on = new Monitored(
      {},
      {
        reach: (_check, _server, _how, signal) =>
          new Promise((resolve) => {
            const finding = { passed: false, reason: 'not decapsulating', message: 'silence' } as const;
            signal.addEventListener('abort', () => resolve(finding));
          }),
      },
    );
    const service = on.service(undefined, 1);
    on.monitor.watch(service, EACH_SECOND);
    await on.clock.advance(2000);
    assert.equal(on.monitor.of(service.realServers[0] as RealServer)?.reason, 'not decapsulating');
  });

  it('takes no server down because this process was stopped, and asks in no burst afterwards', async () => {
    on = new Monitored();
    on.takesMs = 300;
    const service = on.service(undefined, 500);
    on.monitor.watch(service, { ...EACH_SECOND, retries: 0 });
    await on.clock.advance(3000);
    for (const stopMs of [700, 5000, 3_600_000]) {
      // A part of what is under way is never answered.
      for (const server of service.realServers.slice(0, 200)) on.answer(server, 'hang');
      await on.clock.advance(100);
      for (const server of service.realServers) on.answer(server, 'pass');
      await on.clock.block(stopMs);
      const fromMs = on.clock.nowMs();
      await on.clock.advance(3000);
      const pieces = begun(on, fromMs, fromMs + 3000, 50);
      // 25 in each 50 ms on average; twice as many while what was due meanwhile is made up for, and 50 at first.
      assert.ok(Math.max(...pieces) <= 100, `${Math.max(...pieces)} in one piece after ${stopMs} ms`);
    }
    assert.deepEqual(on.changes, []);
  }).timeout(60_000);

  it('takes no server down because the machine has slept, while the steady clock stood', async () => {
    on = new Monitored();
    on.takesMs = 300;
    const service = on.service(undefined, 20);
    on.monitor.watch(service, { ...EACH_SECOND, retries: 0 });
    await on.clock.advance(3000);
    // What is under way fails after the sleep, because its connections are gone.
    for (const server of service.realServers) on.answer(server, 'fail');
    await on.clock.advance(250);
    assert.ok(on.underWay >= 4);
    for (const server of service.realServers) on.answer(server, 'pass');
    on.clock.aheadMs += 3_600_000;
    await on.clock.advance(5000);
    assert.deepEqual(on.changes, []);
  });

  it('doubts a timeout of a check that had less than its time, and not for ever', async () => {
    on = new Monitored();
    const service = on.service(undefined, 1);
    const [server] = service.realServers as [RealServer];
    on.monitor.watch(service, { ...EACH_SECOND, retries: 0 });
    await on.clock.advance(1000);
    // Such a check looks at the clock by itself.
    on.answer(server, { passed: false, reason: 'timeout', message: 'no answer within 500 ms' });
    on.takesMs = 500;
    const busy = async (rounds: number) => {
      for (let n = 0; n < rounds; n += 1) {
        await on.clock.block(150);
        await on.clock.advance(50);
      }
    };
    await busy(8);
    assert.ok(on.monitor.of(server)?.checks[0]?.results.some(({ isVoid }) => isVoid));
    assert.deepEqual(on.changes, []);
    await busy(100);
    assert.deepEqual(on.changes, ['10.3.0.1 down'], 'a process that is always busy finds it a little later');
  });

  for (const [blockMs, runMs] of [
    [100, 20],
    [190, 10],
  ] as const)
    it(`finds a silent server although this process is blocked for ${blockMs} ms again and again`, async () => {
      on = new Monitored();
      const service = on.service(undefined, 1);
      const [server] = service.realServers as [RealServer];
      on.monitor.watch(service, { ...EACH_SECOND, retries: 0 });
      await on.clock.advance(1000);
      on.answer(server, 'hang');
      // Within a check the stalls add up to more than its timeout.
      for (let n = 0; n < 200; n += 1) {
        await on.clock.block(blockMs);
        await on.clock.advance(runMs);
      }
      assert.deepEqual(on.changes, ['10.3.0.1 down']);
    });

  it('cuts what is under way when the monitor closes, also a check that needs no telling that it is over', async () => {
    const signals: AbortSignal[] = [];
    on = new Monitored(
      {},
      {
        reach: (_check, _server, _how, signal) => {
          signals.push(signal);
          return new Promise(() => {});
        },
      },
    );
    const check = { ...scripted(), closesAll: true };
    on.monitor.watch(on.service(undefined, 3), { ...EACH_SECOND, checks: [check], warmUpMs: 0 });
    await on.clock.advance(100);
    await on.monitor.close();
    assert.deepEqual(
      signals.map(({ aborted }) => aborted),
      [true, true, true],
    );
    assert.equal(on.clock.timers, 0);
    assert.deepEqual(on.changes, []);
  });

  it('leaves nothing behind for servers that are gone', async () => {
    on = new Monitored();
    const service = on.service(undefined, 100);
    on.monitor.watch(service, EACH_SECOND);
    await on.clock.advance(1500);
    on.director.transaction(() => {
      for (const server of service.realServers) server.delete();
    });
    assert.equal(on.monitor.checks, 0);
    const before = on.asked.length;
    await on.clock.advance(5000);
    assert.equal(on.asked.length, before);
    assert.equal(on.clock.timers, 0);
  });
});
