/** Builds with CMake and clang, in folders of their own under build/. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { sources } from '../sources.js';
import { Failure, root, step } from './run.js';

/**
 * CMake forgets every other option when it finds that the compiler is not the one it knew (another path is enough), and
 * goes on without the sanitizer. So a folder that was configured otherwise starts afresh.
 */
function isConfigured(folder, sanitizer) {
  const cache = join(folder, 'CMakeCache.txt');
  return existsSync(cache) && readFileSync(cache, 'utf8').includes(`\nTUNVS_SANITIZE:STRING=${sanitizer}\n`);
}

/** Builds `targets` (all when empty) with a sanitizer; returns the folder of the binaries. */
export async function buildSanitized(sanitizer, targets = []) {
  const folder = join(root, 'build', sanitizer);
  const configure = [
    '-S',
    join(root, 'native'),
    '-B',
    folder,
    `-DTUNVS_SANITIZE=${sanitizer}`,
    '-DCMAKE_CXX_COMPILER=clang++',
  ];
  const title = `configuring the ${sanitizer} build`;
  await step(title, 'cmake', configure);
  if (!isConfigured(folder, sanitizer)) {
    rmSync(folder, { recursive: true, force: true });
    await step(title, 'cmake', configure);
    if (!isConfigured(folder, sanitizer)) throw new Failure(`${folder} is not configured for ${sanitizer}`);
  }
  const build = ['--build', folder, '--parallel', String(availableParallelism())];
  await step(`building with ${sanitizer}`, 'cmake', [...build, ...targets.flatMap((target) => ['--target', target])]);
  return folder;
}

/** Returns the names of the fuzz targets, such as director_fuzz. */
export function fuzzTargets() {
  return sources('fuzz').map((path) => path.replace(/^.*\/|\.cc$/g, ''));
}

/** Returns the fuzz targets whose names hold one of `words`; all when there are none. */
export function chooseFuzzTargets(words) {
  const all = fuzzTargets();
  const chosen = words.length === 0 ? all : all.filter((name) => words.some((word) => name.includes(word)));
  if (chosen.length === 0)
    throw new Failure(`fuzz: no target's name holds ${words.join(' or ')}; the targets are ${all.join(', ')}`);
  return chosen;
}

/**
 * Returns what to run sanitized programs under: older sanitizers refuse to start where the kernel randomises addresses
 * widely (vm.mmap_rnd_bits above 28).
 */
export function sanitizerWrapper() {
  const withoutRandomisation = ['setarch', '-R'];
  const works = spawnSync(withoutRandomisation[0], [...withoutRandomisation.slice(1), 'true']).status === 0;
  return works ? withoutRandomisation : [];
}
