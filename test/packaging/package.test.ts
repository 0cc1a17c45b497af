import { strict as assert } from 'node:assert';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { publint } from 'publint';
import { emptyProject, INSTALL, pack, root, run } from './installing.js';

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };

describe('the package', function () {
  this.timeout(600_000);
  let folder = '';
  let files: string[] = [];

  before(() => {
    folder = emptyProject();
    const packed = pack(folder);
    files = packed.files;
    run(folder, 'npm', ...INSTALL, packed.path);
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  it('holds what is needed to build and read it', () => {
    const wanted = [
      'binding.gyp',
      'scripts/install.js',
      'scripts/sources.js',
      'dist/lib/index.js',
      'dist/lib/index.d.ts',
      'dist/lib/cli/main.js',
    ];
    for (const path of [...wanted, 'README.md', 'LICENSE', 'CHANGELOG.md'])
      assert(files.includes(path), `${path} is missing`);
    assert(files.some((path) => path.startsWith('native/core/')));
  });

  it('holds no tests, fuzz targets or build output', () => {
    const strangers = files.filter((path) =>
      /_test\.|_fuzz\.|^(?:test|bench|build|native\/support)\/|dist\/(?!lib\/)/.test(path),
    );
    assert.deepEqual(strangers, []);
  });

  it('is the same when npm makes it of a git repository', function () {
    if (!existsSync(join(root, '.git'))) this.skip();
    const isPrebuilt = (path: string) => path.startsWith('prebuilds/'); // which is not in git
    const ofGit = pack(emptyProject(), root, `git+file://${root}`);
    assert.deepEqual(ofGit.files.sort(), files.filter((path) => !isPrebuilt(path)).sort());
  });

  it('gives the same names to import and to require', () => {
    writeFileSync(
      join(folder, 'both.cjs'),
      `const required = require('tunvs');
      import('tunvs').then((imported) => {
        const names = Object.keys(imported).filter((name) => name !== 'module.exports');
        const isSame = names.every((name) => imported[name] === required[name]);
        console.log(JSON.stringify({ names, isSame }));
      });`,
    );
    const { names, isSame } = JSON.parse(run(folder, process.execPath, '--no-warnings', 'both.cjs')) as {
      names: string[];
      isSame: boolean;
    };
    assert(isSame);
    for (const name of ['Director', 'RealServerHost', 'TunvsError'])
      assert(names.includes(name), `${name} is not exported`);
  });

  it('has a command that knows its version', () => {
    assert.equal(run(folder, join(folder, 'node_modules', '.bin', 'tunvs'), '--version').trim(), version);
  });

  it('has nothing that publint would warn of', async () => {
    const { messages } = await publint({ pkgDir: root, level: 'warning' });
    assert.deepEqual(messages, []);
  });
});
