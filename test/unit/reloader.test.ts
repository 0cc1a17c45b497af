import { strict as assert } from 'node:assert';
import { Reloader, type ReloaderParts } from '../../lib/cli/run/reload.js';
import type { ReloadWish } from '../../lib/cli/run/configuration.js';

/** A reloader whose configuration notes each reload, and ends it when it is told to. */
function staged() {
  const begun: { wish: ReloadWish; end(): void }[] = [];
  const configuration = {
    title: 'configuration',
    reload: (wish: ReloadWish) => new Promise((resolve) => begun.push({ wish, end: () => resolve([]) })),
  };
  const parts = {
    configuration,
    director: { mendHost: async () => 0 },
    io: { stdout: { write: () => true } },
    tell: () => {},
    isJson: false,
  };
  return { begun, reloader: new Reloader(parts as unknown as ReloaderParts) };
}

const turn = () => new Promise(setImmediate);

describe('reloads of tunvs run', () => {
  it('are one after the other, and one that waits serves all who ask meanwhile', async () => {
    const { begun, reloader } = staged();
    const first = reloader.reload();
    await turn();
    const storm = Array.from({ length: 20 }, () => reloader.reload());
    await turn();
    assert.equal(begun.length, 1);
    begun[0]?.end();
    await first;
    await turn();
    assert.equal(begun.length, 2);
    const later = reloader.reload();
    begun[1]?.end();
    await Promise.all(storm);
    await turn();
    assert.equal(begun.length, 3, 'who asks after it has begun has another');
    begun[2]?.end();
    await later;
  });

  it('with wishes have a turn of their own each', async () => {
    const { begun, reloader } = staged();
    const wishes: ReloadWish[] = [{}, { reset: true }, { dryRun: true }, { reset: true }];
    const all = wishes.map((wish) => reloader.reload(wish));
    for (const n of wishes.keys()) {
      await turn();
      begun[n]?.end();
      await all[n];
    }
    assert.deepEqual(
      begun.map(({ wish }) => wish),
      wishes,
    );
  });
});
