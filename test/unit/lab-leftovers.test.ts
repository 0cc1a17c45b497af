import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { isOwnerGone, makeFolder, owner, removeFoldersOfTheGone } from '../../lib/lab/leftovers.js';

describe('what a killed lab leaves', () => {
  it('is not that of a process that runs', () => {
    assert.match(owner, new RegExp(`^${process.pid}-[1-9]\\d*$`));
    assert.equal(isOwnerGone(owner), false);
  });

  it('is that of a process whose number another one has got', () => {
    assert.equal(isOwnerGone(`${process.pid}-1`), true);
  });

  it('is that of a process that has ended', async () => {
    const child = spawn('true');
    const { pid } = child;
    await once(child, 'exit');
    assert.equal(isOwnerGone(`${pid}-1`), true);
  });

  it('is removed, and what a process that runs has made is not', () => {
    const kept = makeFolder();
    const left = join(tmpdir(), `tunvs-lab-${process.pid}-1-${basename(kept).slice(-6)}`);
    mkdirSync(join(left, 'inner'), { recursive: true });
    try {
      removeFoldersOfTheGone();
      assert.deepEqual([existsSync(kept), existsSync(left)], [true, false]);
    } finally {
      for (const folder of [kept, left]) rmSync(folder, { recursive: true, force: true });
    }
  });
});
