import { strict as assert } from 'node:assert';
import { ClockPulse, ManualPulse } from '../../lib/director/pulse.js';

for (const [name, make] of [
  ['ClockPulse', () => new ClockPulse(100_000)],
  ['ManualPulse', () => new ManualPulse()],
] as const) {
  describe(name, () => {
    it('rejects whoever waits when it stops, and whoever waits later', async () => {
      const pulse = make();
      const waiting = assert.rejects(pulse.next(undefined));
      pulse.stop();
      await waiting;
      await assert.rejects(pulse.next(undefined));
    });

    it('rejects when the signal is aborted, before or meanwhile', async () => {
      const pulse = make();
      const abort = new AbortController();
      const waiting = assert.rejects(pulse.next(abort.signal));
      abort.abort();
      await waiting;
      await assert.rejects(pulse.next(abort.signal));
      pulse.stop();
    });
  });
}

describe('ClockPulse', () => {
  it('beats by itself', () => new ClockPulse(1).next(undefined));
});

describe('ManualPulse', () => {
  it('wakes all who wait, once', async () => {
    const pulse = new ManualPulse();
    const both = Promise.all([pulse.next(undefined), pulse.next(undefined)]);
    pulse.beat();
    await both;
    let isWoken = false;
    const later = pulse.next(undefined).then(() => {
      isWoken = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(isWoken, false);
    pulse.beat();
    await later;
  });
});
