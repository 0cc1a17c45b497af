/** Builds with CMake and clang, in folders of their own under build/. */
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { sources } from '../sources.js';
import { Failure, root, step } from './run.js';

/** Builds `targets` (all when empty) with a sanitizer; the folder of the binaries. */
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
  await step(`configuring the ${sanitizer} build`, 'cmake', configure);
  const build = ['--build', folder, '--parallel', String(availableParallelism())];
  await step(`building with ${sanitizer}`, 'cmake', [...build, ...targets.flatMap((target) => ['--target', target])]);
  return folder;
}

/** Names of the fuzz targets, such as director_fuzz. */
export function fuzzTargets() {
  return sources('fuzz').map((path) => path.replace(/^.*\/|\.cc$/g, ''));
}

/** Fuzz targets whose names hold one of `words`; all when there are none. */
export function chooseFuzzTargets(words) {
  const all = fuzzTargets();
  const chosen = words.length === 0 ? all : all.filter((name) => words.some((word) => name.includes(word)));
  if (chosen.length === 0)
    throw new Failure(`fuzz: no target's name holds ${words.join(' or ')}; there are ${all.join(', ')}`);
  return chosen;
}

/**
 * What sanitized programs are run under: older sanitizers refuse to start where the kernel randomises addresses
 * widely (vm.mmap_rnd_bits above 28).
 */
export function sanitizerWrapper() {
  const withoutRandomisation = ['setarch', '-R'];
  const works = spawnSync(withoutRandomisation[0], [...withoutRandomisation.slice(1), 'true']).status === 0;
  return works ? withoutRandomisation : [];
}
