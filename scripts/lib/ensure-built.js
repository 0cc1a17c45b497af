/** Brings node_modules, the native part and dist/ up to date, doing only what is out of date. */
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { sources } from '../sources.js';
import { compileProgress } from './compile-progress.js';
import { nodeGyp } from './node-gyp.js';
import { Failure, root, step } from './run.js';

const inRoot = (...parts) => join(root, ...parts);
const readJson = (path) => (existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined);

/** npm ci in `folder`, when what is installed there is not what its package-lock.json says. */
export async function ensureDependencies(folder = root, title = 'npm ci') {
  const wanted = readJson(join(folder, 'package-lock.json')).packages;
  const present = readJson(join(folder, 'node_modules', '.package-lock.json'))?.packages ?? {};
  const isPresent = ([path, entry]) => path === '' || entry.optional || present[path]?.version === entry.version;
  if (Object.entries(wanted).every(isPresent)) return;
  // Without scripts: npm would build the native part for an installation, not for development.
  await step(title, 'npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder });
}

/** Configures again when anything that the makefiles were made from has changed, a new source file among it. */
async function ensureConfigured() {
  const stamp = inRoot('build', 'configured.json');
  const state = JSON.stringify({
    node: [process.version, process.arch, process.execPath],
    compiler: [process.env.CC, process.env.CXX, process.env.CXXFLAGS, process.env.LDFLAGS],
    gyp: ['binding.gyp', 'scripts/sources.js'].map((path) => readFileSync(inRoot(path), 'utf8')),
    sources: ['core', 'addon', 'tests'].map(sources),
  });
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === state) return;
  rmSync(stamp, { force: true });
  await step('configuring the native build', ...nodeGyp('configure', '--', '-Dtunvs_tests=1'));
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, state);
}

/** The addon, and with `tests` the native tests. */
export async function ensureNative({ tests = false } = {}) {
  await ensureConfigured();
  const targets = tests ? ['tunvs', 'tunvs_native_tests'] : ['tunvs'];
  await step(
    tests ? 'building the native part and its tests' : 'building the native part',
    ...nodeGyp('build', '-j', String(availableParallelism()), ...targets),
    { progress: compileProgress(inRoot('build'), targets) },
  );
}

/** Output whose source is gone would still be run or shipped. */
function removeStaleOutput() {
  if (!existsSync(inRoot('dist'))) return;
  for (const path of readdirSync(inRoot('dist'), { recursive: true })) {
    const source = /^(?<stem>.*?)(?:\.d\.ts|\.js|\.js\.map)$/.exec(path)?.groups.stem;
    if (source && !existsSync(inRoot(`${source}.ts`))) rmSync(inRoot('dist', path));
  }
}

/** dist/ from lib/, test/, bench/ and examples/. */
export async function ensureTypescript() {
  removeStaleOutput();
  const buildInfo = inRoot('dist', 'tsconfig.tsbuildinfo');
  const compile = [inRoot('node_modules', 'typescript', 'bin', 'tsc'), '-p', root];
  await step('compiling TypeScript', process.execPath, compile);
  if (!existsSync(buildInfo) || statSync(buildInfo).size === 0)
    throw new Failure('tsc wrote no dist/; see tsconfig.json');
  // Links lead to the commands in a checkout too; npm does this for a package that it installs.
  for (const command of Object.values(readJson(inRoot('package.json')).bin)) chmodSync(inRoot(command), 0o755);
}

export async function ensureBuilt({ tests = false } = {}) {
  await ensureDependencies();
  await ensureNative({ tests });
  await ensureTypescript();
}
