/**
 * npm run build:prebuilt: the addon for each platform that the package ships a binary of, into prebuilds/. `--check`
 * builds nothing, and fails when what is there is not of the sources that are here, or was made in another way.
 */
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { compileProgress } from './lib/compile-progress.js';
import { crossEnvironment, missingCrossPackages, stageFolder, targets } from './lib/cross.js';
import { aboveFloor, readBinary } from './lib/elf.js';
import { ensureDependencies } from './lib/ensure-built.js';
import { nodeGyp } from './lib/node-gyp.js';
import { glibcFloor, prebuiltFolder, prebuiltPath, readManifest, writeManifest } from './lib/prebuilt.js';
import { changesSince, currentRecipe, publishProblem } from './lib/recipe.js';
import { Failure, main, root, step } from './lib/run.js';
import { ensureSysroot } from './lib/sysroot.js';

const sha256 = (path) => createHash('sha256').update(readFileSync(path)).digest('hex');

function stage(target) {
  const folder = stageFolder(target);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, 'scripts'), { recursive: true });
  for (const name of ['binding.gyp', 'native', 'node_modules', 'package.json'])
    symlinkSync(join(root, name), join(folder, name));
  // A copy: it lists what lies beside itself.
  copyFileSync(join(root, 'scripts', 'sources.js'), join(folder, 'scripts', 'sources.js'));
  return folder;
}

async function compatObject({ triplet, platform }, { CXXFLAGS }) {
  const object = join(root, 'build', 'prebuild', `compat-${platform}.o`);
  const source = join(root, 'scripts', 'lib', 'old-glibc.c');
  const args = [...CXXFLAGS.split(' '), '-O2', '-fPIC', '-c', source, '-o', object];
  await step(`compiling ${platform}: what an old glibc lacks`, `${triplet}-gcc`, args);
  return object;
}

async function build(target) {
  const { platform, arch } = target;
  const sysroot = await ensureSysroot(target.debian);
  const folder = stage(target);
  const compat = await compatObject(target, crossEnvironment(target, sysroot));
  const env = crossEnvironment(target, sysroot, [compat]);
  const inFolder = { cwd: folder, env };
  await step(`configuring ${platform}`, ...nodeGyp(`--arch=${arch}`, 'configure'), inFolder);
  const output = join(folder, 'build');
  const command = nodeGyp(`--arch=${arch}`, 'build', '-j', String(availableParallelism()), 'tunvs');
  const progress = compileProgress(output, ['tunvs'], env);
  await step(`compiling ${platform}`, ...command, { cwd: folder, env, progress });
  return join(output, 'Release', 'tunvs.node');
}

function checkFloor(path) {
  const names = aboveFloor(readBinary(path), glibcFloor);
  if (names.length > 0) throw new Failure(`${path} needs a glibc newer than ${glibcFloor}: ${names.join(', ')}`);
}

async function prebuild() {
  const missing = missingCrossPackages();
  if (missing.length > 0)
    throw new Failure(`prebuild: programs are missing; install them with: apt-get install ${missing.join(' ')}`);
  await ensureDependencies();
  const recipe = currentRecipe();
  const before = readManifest();
  const isKept = changesSince(before, recipe).length === 0;
  if (!isKept) rmSync(prebuiltFolder, { recursive: true, force: true });
  const binaries = isKept ? before.binaries : {};
  for (const target of targets) {
    const path = prebuiltPath(target.platform);
    if (existsSync(path) && binaries[target.platform] === sha256(path)) {
      console.log(`${target.platform} is up to date`);
      continue;
    }
    const built = await build(target);
    checkFloor(built);
    mkdirSync(dirname(path), { recursive: true });
    copyFileSync(built, path);
    binaries[target.platform] = sha256(path);
    writeManifest({ ...recipe, binaries });
  }
}

await main(async () => {
  if (!process.argv.includes('--check')) return prebuild();
  const problem = publishProblem();
  if (problem)
    throw new Failure(`The package is published with prebuilt binaries, and ${problem}: run "npm run build:prebuilt"`);
});
