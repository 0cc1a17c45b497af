import { strict as assert } from 'node:assert';
import { Contention } from '../../lib/host/contention.js';

const OPTIONS = { limit: 3, windowMs: 1000, pauseMs: 5000, maxPauseMs: 12_000 };

describe('Contention', () => {
  it('leaves a thing alone that is taken away too often within a while, and no other', () => {
    const contention = new Contention(OPTIONS);
    assert.equal(contention.note('a', 0), undefined);
    assert.equal(contention.note('a', 100), undefined);
    assert.equal(contention.note('b', 100), undefined);
    assert.equal(contention.note('a', 200), 5000);
    assert.deepEqual([contention.allows('a', 5199), contention.allows('a', 5200)], [false, true]);
    assert.ok(contention.allows('b', 200));
    assert.equal(contention.nextMs(200), 5200);
  });

  it('bears what is taken away now and then', () => {
    const contention = new Contention(OPTIONS);
    for (let times = 0; times < 20; times++) assert.equal(contention.note('a', times * 600), undefined);
    assert.equal(contention.nextMs(0), undefined);
  });

  it('waits longer each time that the quarrel goes on, up to a bound', () => {
    const contention = new Contention(OPTIONS);
    const pauses: (number | undefined)[] = [];
    let now = 0;
    for (let times = 0; times < 9; times++) {
      const pauseMs = contention.note('a', now);
      if (pauseMs !== undefined) pauses.push(pauseMs);
      now += (pauseMs ?? 0) + 10;
    }
    assert.deepEqual(pauses, [5000, 10_000, 12_000, 12_000]);
  });

  it('begins anew when the thing has lasted, or when it is told to forget', () => {
    const contention = new Contention(OPTIONS);
    for (const now of [0, 1, 2]) contention.note('a', now);
    assert.equal(contention.note('a', 7000), undefined);
    assert.equal(contention.note('a', 7001), undefined);
    assert.equal(contention.note('a', 7002), 5000);
    contention.forget();
    assert.ok(contention.allows('a', 7003));
  });
});
