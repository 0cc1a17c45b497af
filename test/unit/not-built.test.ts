/** A package whose native part is missing, or is not one: a copy of this package without it. */
import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

describe('a package without its native part', () => {
  let copy = '';

  before(() => {
    copy = mkdtempSync(join(tmpdir(), 'tunvs-not-built-'));
    for (const name of ['dist/lib', 'binding.gyp', 'package.json'])
      cpSync(join(ROOT, name), join(copy, name), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  });

  after(() => rmSync(copy, { recursive: true }));

  const run = (args: string[]) =>
    new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
      execFile(process.execPath, args, { cwd: copy, timeout: 60_000 }, (error, stdout, stderr) =>
        resolve({ code: error?.code ?? 0, stdout, stderr }),
      );
    });
  const tunvs = (...args: string[]) => run([join(copy, 'dist/lib/cli/main.js'), ...args]);
  const imported = () =>
    run([
      '--input-type=module',
      '-e',
      "await import('./dist/lib/index.js').catch(({ name, code, message }) => console.log([name, code, message].join('|')))",
    ]);

  for (const args of [
    ['--version'],
    ['--help'],
    ...['run', 'replay', 'explain', 'realserver', 'demo'].map((verb) => [verb, '--help']),
  ]) {
    it(`answers tunvs ${args.join(' ')}`, async () => {
      const { code, stdout, stderr } = await tunvs(...args);
      assert.deepEqual([code, stderr], [0, '']);
      assert.match(stdout, args[0] === '--version' ? /^\d+\.\d+\.\d+\n$/ : /^Usage: tunvs/);
    });
  }

  it('says so in one sentence where a verb needs it', async () => {
    const { code, stderr } = await tunvs('realserver', '--vip', '192.0.2.1', '--director', '10.0.0.1', '--dry-run');
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^tunvs realserver: the native part of tunvs is not built \(.*\): run "npm rebuild tunvs" \(.*\)\n$/,
    );
  });

  it('says so in a TunvsError where it is imported', async () => {
    const { stdout } = await imported();
    assert.match(
      stdout,
      /^TunvsError\|ERR_TUNVS_NOT_BUILT\|the native part of tunvs is not built .* "npm rebuild tunvs"/,
    );
  });

  it('says what the dynamic linker says of one that is none', async () => {
    mkdirSync(join(copy, 'build/Release'), { recursive: true });
    writeFileSync(join(copy, 'build/Release/tunvs.node'), 'cut short');
    const { stdout } = await imported();
    assert.match(
      stdout,
      /^TunvsError\|ERR_TUNVS_NOT_BUILT\|the native part of tunvs cannot be loaded \(.*too short.*\): run/,
    );
  });
});
