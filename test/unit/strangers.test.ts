import { strict as assert } from 'node:assert';
import { setTimeout as sleep } from 'node:timers/promises';
import { tellOfStrangers } from '../../lib/cli/realserver/strangers.js';
import { eventually } from '../support/eventually.js';

describe('tunnel packets of strangers', () => {
  it('are told once, when the first has come', async () => {
    let refused = 0n;
    const said: string[] = [];
    const stop = tellOfStrangers(
      () => refused,
      (sentence) => said.push(sentence),
      1,
    );
    const keptAlive = setInterval(() => {}, 1000);
    try {
      await sleep(20);
      assert.deepEqual(said, []);
      refused = 3n;
      await eventually(
        async () => said.length,
        (count) => count === 1,
        'the sentence',
      );
      refused = 9n;
      await sleep(20);
      assert.equal(said.length, 1);
      assert.match(said[0] ?? '', /not a --director, and are refused: if it is your director, name it with --director/);
    } finally {
      clearInterval(keptAlive);
      stop();
    }
  });

  it('are not told where nobody counts them, nor after the end', async () => {
    const said: string[] = [];
    tellOfStrangers(
      () => undefined,
      (sentence) => said.push(sentence),
      1,
    );
    tellOfStrangers(
      () => 1n,
      (sentence) => said.push(sentence),
      1,
    )();
    await sleep(20);
    assert.deepEqual(said, []);
  });
});
