import { strict as assert } from 'node:assert';
import { type DirectorStats, zeroTraffic } from '../../lib/stats/stats.js';
import { Watch, type WatchOptions } from '../../lib/stats/watch.js';

function reading(received = 0n): DirectorStats {
  const table = { ipv4: 0, ipv6: 0, capacity: 1024, bytes: 65_536, persistenceDataBytes: 0 };
  return { atMs: 0, counters: { received } as DirectorStats['counters'], table, totals: zeroTraffic(), services: [] };
}

function watched(options: WatchOptions, read: () => DirectorStats = reading) {
  const ended: Watch[] = [];
  const watch = new Watch(options, { read, now: () => performance.now(), ended: (over) => ended.push(over) });
  return { watch, ended };
}

const FAST = { intervalMs: 10 };

describe('watch', () => {
  it('yields samples with rates', async () => {
    let received = 0n;
    const { watch } = watched(FAST, () => {
      received += 10n;
      return reading(received);
    });
    for await (const sample of watch) {
      assert.ok(sample.intervalMs > 0);
      assert.equal(sample.counterRates.received, 10_000 / sample.intervalMs);
      break;
    }
  });

  it('ends when the loop is left', async () => {
    const { watch, ended } = watched(FAST);
    for await (const _ of watch) break;
    assert.deepEqual(ended, [watch]);
    assert.deepEqual(await watch.next(), { done: true, value: undefined });
  });

  it('ends when the loop throws', async () => {
    const { watch, ended } = watched(FAST);
    await assert.rejects(async () => {
      for await (const _ of watch) throw new Error('mine');
    }, /mine/);
    assert.deepEqual(ended, [watch]);
  });

  it('throws the reason when the signal is aborted, and gives its listener back', async () => {
    const abort = new AbortController();
    const { watch, ended } = watched({ intervalMs: 100_000, signal: abort.signal });
    const pending = watch.next();
    abort.abort(new Error('enough'));
    await assert.rejects(pending, /enough/);
    assert.deepEqual(ended, [watch]);
    assert.deepEqual(await watch.next(), { done: true, value: undefined });
  });

  it('throws the reason of a signal that was aborted before, once', async () => {
    const { watch } = watched({ signal: AbortSignal.abort(new Error('before')) });
    await assert.rejects(watch.next(), /before/);
    assert.deepEqual(await watch.next(), { done: true, value: undefined });
  });

  it('ends a wait without a sample when it is returned from', async () => {
    const { watch, ended } = watched({ intervalMs: 100_000 });
    const pending = watch.next();
    await watch.return();
    assert.deepEqual(await pending, { done: true, value: undefined });
    assert.deepEqual(ended, [watch]);
  });

  it('ends a wait with the error that is thrown in', async () => {
    const { watch, ended } = watched(FAST);
    await assert.rejects(watch.throw(new Error('in')), /in/);
    assert.deepEqual(ended, [watch]);
  });

  it('rejects and ends when the stats cannot be read', async () => {
    let reads = 0;
    const { watch, ended } = watched(FAST, () => {
      reads += 1;
      if (reads > 1) throw new Error('unreadable');
      return reading();
    });
    await assert.rejects(watch.next(), /unreadable/);
    assert.deepEqual(ended, [watch]);
  });

  it('answers several waits in their order', async () => {
    let received = 0n;
    const { watch } = watched(FAST, () => reading(received++));
    const samples = await Promise.all([watch.next(), watch.next(), watch.next()]);
    assert.deepEqual(
      samples.map((each) => each.value?.counters.received),
      [1n, 2n, 3n],
    );
    watch.close();
  });

  it('reads nothing while nobody waits', async () => {
    let reads = 0;
    const { watch } = watched(FAST, () => {
      reads += 1;
      return reading();
    });
    await watch.next();
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(reads, 2, 'one to begin with, one for the sample');
    watch.close();
  });

  it('refuses an interval that is no duration', () => {
    for (const intervalMs of [0, 9, -1, Number.NaN, 2 ** 31, '1000' as unknown as number]) {
      assert.throws(() => watched({ intervalMs }), {
        code: 'ERR_TUNVS_INVALID_ARGUMENT',
        message: /^watch: intervalMs/,
      });
    }
  });
});
