import { strict as assert } from 'node:assert';
import { cpSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { publint } from 'publint';
import { cleanEnvironment, emptyProject, INSTALL, pack, root, run, tryRun } from './installing.js';

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };

/** In the file that npm sends; the binaries have half of it. */
const MEGABYTES = 5;

describe('the package', function () {
  this.timeout(600_000);
  let folder = '';
  let files: string[] = [];
  let packedPath = '';

  before(() => {
    folder = emptyProject();
    const packed = pack(folder);
    files = packed.files;
    packedPath = packed.path;
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
      'dist/lib/adm/main.js',
      ...['control', 'config', 'metrics'].flatMap((name) => [
        `dist/lib/${name}/index.js`,
        `dist/lib/${name}/index.d.ts`,
      ]),
      'schema/tunvs.schema.json',
      'packaging/systemd/tunvs@.service',
      'packaging/container/Dockerfile',
      'examples/prometheus/tunvs.rules.yml',
    ];
    for (const path of [...wanted, 'README.md', 'LICENSE', 'CHANGELOG.md'])
      assert(files.includes(path), `${path} is missing`);
    assert(files.some((path) => path.startsWith('native/core/')));
  });

  it('is no larger than a slow line bears', () => {
    const megabytes = statSync(packedPath).size / 1e6;
    console.log(`        it has ${megabytes.toFixed(1)} MB, in ${files.length} files`);
    assert.ok(megabytes < MEGABYTES, `${megabytes} MB`);
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

  it('has more entry points, each of which loads what it needs', () => {
    const names = (point: string) =>
      run(
        folder,
        process.execPath,
        '--input-type=module',
        '--eval',
        `console.log(Object.keys(await import('${point}')))`,
      );
    assert.match(names('tunvs/control'), /'serveControl'/);
    assert.match(names('tunvs/config'), /'parseConfig'/);
    assert.match(names('tunvs/metrics'), /'metricsText'/);
  });

  it('is loaded without its dependencies, which are for other entry points and commands', () => {
    const alone = emptyProject();
    const copy = join(alone, 'node_modules', 'tunvs');
    try {
      cpSync(join(folder, 'node_modules', 'tunvs'), copy, { recursive: true });
      const load = (point: string) =>
        tryRun(alone, cleanEnvironment(), process.execPath, '--input-type=module', '--eval', `import '${point}';`);
      for (const point of ['tunvs', 'tunvs/metrics']) assert.equal(load(point).stderr, '', point);
      // What lacks them says so: nothing else gave them.
      assert.match(load('tunvs/config').stderr, /Cannot find package '(?:zod|yaml)'/);
      run(alone, process.execPath, join(copy, 'dist', 'lib', 'adm', 'main.js'), '--version');
    } finally {
      rmSync(alone, { recursive: true, force: true });
    }
  });

  it('has commands that know their version', () => {
    const ask = (name: string) => run(folder, join(folder, 'node_modules', '.bin', name), '--version').trim();
    assert.equal(ask('tunvs'), version);
    assert.match(ask('tunvsadm'), new RegExp(`^tunvsadm ${version.replaceAll('.', '\\.')}\\b`));
  });

  it('has a command tunvsadm that says what to do without a daemon', () => {
    const socket = join(folder, 'none.sock');
    const adm = join(folder, 'node_modules', '.bin', 'tunvsadm');
    const { status, stderr } = tryRun(folder, { ...process.env, TUNVS_SOCKET: socket }, adm, '-Ln');
    assert.equal(status, 1);
    assert.match(stderr, /^tunvsadm: no daemon listens on .*none\.sock: start it with "tunvs run --source ADDRESS"/);
  });

  it('checks a configuration, where its dependencies are as npm installs them', () => {
    const config = 'source: 192.0.2.1\nservices:\n  - listen: tcp 198.51.100.1:80\n    servers: [10.3.0.11]\n';
    writeFileSync(join(folder, 'tunvs.yaml'), config);
    run(folder, join(folder, 'node_modules', '.bin', 'tunvs'), 'check', 'tunvs.yaml');
  });

  it('has nothing that publint would warn of', async () => {
    const { messages } = await publint({ pkgDir: root, level: 'warning' });
    assert.deepEqual(messages, []);
  });
});
