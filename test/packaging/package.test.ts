import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { publint } from 'publint';

const root = dirname(createRequire(import.meta.url).resolve('tunvs/package.json'));
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };

/** What npm hands to the scripts that it runs would steer the npm that these tests run. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const ours = Object.entries(process.env).filter(
    ([name]) => !/^npm_(?!config_(?:cache|registry|nodedir)$)/.test(name),
  );
  const prefix = dirname(dirname(process.execPath));
  const hasHeaders = existsSync(join(prefix, 'include', 'node', 'node_api.h'));
  return { ...Object.fromEntries(ours), JOBS: 'max', ...(hasHeaders && { npm_config_nodedir: prefix }) };
}

function run(folder: string, command: string, ...args: string[]): string {
  return execFileSync(command, args, { cwd: folder, env: cleanEnvironment(), encoding: 'utf8', stdio: 'pipe' });
}

describe('the package', function () {
  this.timeout(240_000);
  let folder = '';
  let files: string[] = [];

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'tunvs-package-'));
    const packed = run(root, 'npm', 'pack', '--json', '--foreground-scripts=false', '--pack-destination', folder);
    const [{ filename, files: entries }] = JSON.parse(packed) as [{ filename: string; files: { path: string }[] }];
    files = entries.map((entry) => entry.path);
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'user', private: true, type: 'module' }));
    run(folder, 'npm', 'install', '--no-audit', '--no-fund', join(folder, filename));
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  it('holds what is needed to build and read it', () => {
    const wanted = [
      'binding.gyp',
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
      /_test\.|_fuzz\.|^(?:test|bench|build|examples|native\/support)\/|dist\/(?!lib\/)/.test(path),
    );
    assert.deepEqual(strangers, []);
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

  it('has types that a strict TypeScript program compiles against', () => {
    writeFileSync(
      join(folder, 'user.ts'),
      `import { Director, type DirectorStats, TunvsError } from 'tunvs';
      export async function open(): Promise<DirectorStats> {
        const director = await Director.open({ source: '192.0.2.1' });
        return director.stats();
      }
      export const isOurs = (error: unknown): boolean => error instanceof TunvsError;\n`,
    );
    const typeRoots = ['--typeRoots', join(root, 'node_modules', '@types'), '--types', 'node'];
    const strict = ['--strict', '--module', 'nodenext', '--target', 'es2023', '--lib', 'es2023,esnext.disposable'];
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    run(folder, process.execPath, tsc, '--noEmit', ...strict, ...typeRoots, 'user.ts');
  });

  it('has nothing that publint would warn of', async () => {
    const { messages } = await publint({ pkgDir: root, level: 'warning' });
    assert.deepEqual(messages, []);
  });
});
