/** How the shell that runs the documentation's blocks is waited for. */
import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import { ended } from '../support/doc-shell.js';

const hangs = (limitMs: number) => ended(spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' }), limitMs);

describe('the shell of the documentation', () => {
  it('is killed when it does not end, and its exit code is returned otherwise', async () => {
    assert.equal(await hangs(50), null);
    assert.equal(await ended(spawn('sh', ['-c', 'exit 3'], { detached: true, stdio: 'ignore' }), 50_000), 3);
  });

  it('that cannot be started is an error at once, and nobody is killed for it later', async () => {
    const killed: number[] = [];
    const { kill } = process;
    process.kill = (pid) => {
      killed.push(pid);
      return true;
    };
    try {
      await assert.rejects(ended(spawn('/nowhere', { detached: true }), 50), { code: 'ENOENT' });
      await new Promise((resolve) => setTimeout(resolve, 100));
    } finally {
      process.kill = kill;
    }
    assert.deepEqual(killed, []);
  });
});
