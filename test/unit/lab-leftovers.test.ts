import { strict as assert } from 'node:assert';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { isOwnerGone, makeFolder, owner, removeFolder, removeFoldersOfTheGone } from '../../lib/lab/leftovers.js';

const namespace = /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0];

describe('what a killed lab leaves', () => {
  it('is not that of a process that runs', () => {
    assert.match(owner, new RegExp(`^${process.pid}-[1-9]\\d*-\\d+$`));
    assert.equal(isOwnerGone(owner), false);
  });

  it('is that of a process whose number another one has got', () => {
    assert.equal(isOwnerGone(`${process.pid}-1-${namespace}`), true);
  });

  it('is that of a process that has ended', async () => {
    const child = spawn('true');
    const { pid } = child;
    await once(child, 'exit');
    assert.equal(isOwnerGone(`${pid}-1-${namespace}`), true);
  });

  it('is not that of a process in another PID namespace, which may run', () => {
    assert.equal(isOwnerGone(`${process.pid}-1-${Number(namespace) + 1}`), false);
  });

  it('is removed, and what a process that runs has made is not', () => {
    const kept = makeFolder();
    const left = join(tmpdir(), `tunvs-lab-${process.pid}-1-${namespace}-${basename(kept).slice(-6)}`);
    mkdirSync(join(left, 'inner'), { recursive: true });
    try {
      removeFoldersOfTheGone();
      assert.deepEqual([existsSync(kept), existsSync(left)], [true, false]);
    } finally {
      removeFolder(kept);
      rmSync(left, { recursive: true, force: true });
    }
  });

  it('does not hold the folders of one that ends without closing it', () => {
    const { stdout } = runLeftovers('console.log(makeFolder()); process.exit(3);');
    assert.match(stdout, /tunvs-lab-/);
    assert.equal(existsSync(stdout.trim()), false);
  });

  it('is looked for in a temporary folder that can be read; one that cannot be written is named', () => {
    const environment = { TMPDIR: '/nonexistent' };
    const { status, stdout } = runLeftovers(
      'removeFoldersOfTheGone(); try { makeFolder(); } catch (error) { console.log(error.message); }',
      environment,
    );
    assert.deepEqual(
      [status, stdout],
      [0, 'the temporary folder /nonexistent cannot be written: set TMPDIR to a folder that can\n'],
    );
  });
});

/** Runs a program that uses the module in a process of its own. */
function runLeftovers(program: string, environment: NodeJS.ProcessEnv = {}) {
  const module = new URL('../../lib/lab/leftovers.js', import.meta.url).href;
  const whole = `import { makeFolder, removeFoldersOfTheGone } from '${module}'; ${program}`;
  const options = { encoding: 'utf8', env: { ...process.env, ...environment } } as const;
  return spawnSync(process.execPath, ['--input-type=module', '-e', whole], options);
}
