import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { unhindered } from '../../lib/host/unhindered.js';

const MODULE = new URL('../../lib/host/unhindered.js', import.meta.url).href;

describe('telling from within work that goes on', () => {
  it('hands on what is told', () => {
    const told: unknown[] = [];
    unhindered((...news: [string, number]) => told.push(...news))('a', 1);
    assert.deepEqual(told, ['a', 1]);
  });

  it('lets the work go on, and has what a listener throws be an uncaught exception', async () => {
    const program = `
      import { unhindered } from ${JSON.stringify(MODULE)};
      process.on('uncaughtException', (error) => console.log('uncaught', error.message));
      unhindered(() => { throw new Error('mine'); })();
      console.log('goes on');
    `;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]);
    assert.equal(stdout, 'goes on\nuncaught mine\n');
  });
});
