/**
 * The one list of native sources, for binding.gyp and native/CMakeLists.txt: `node scripts/sources.js GROUP` prints
 * the files of a group, one a line, relative to the package's root. With --unity it prints fewer files, which it writes
 * below build/unity: each includes some of the group's, so that the headers are compiled once for all of these.
 */
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

const isTest = (path) => path.endsWith('_test.cc');
const isFuzz = (path) => path.endsWith('_fuzz.cc');
const isIn = (folder) => (path) => path.startsWith(`native/${folder}/`);
/** Programs of their own, which a benchmark compiles against libraries that nothing else needs. */
const isPeer = isIn('bench/peers');
const isTestMain = (path) => path === 'native/support/test_main.cc';

/** What belongs to each group. An installed package has only `core` and `addon`. */
const groups = {
  core: (path) => !isTest(path) && !isFuzz(path) && !isIn('binding')(path) && !isIn('support')(path) && !isPeer(path),
  addon: (path) => isIn('binding')(path) && !isTest(path) && !isFuzz(path),
  tests: (path) => !isFuzz(path) && (isTest(path) || isIn('support')(path)),
  fuzz: isFuzz,
  fuzzSupport: (path) => isIn('support')(path) && !isTest(path) && !isFuzz(path) && !isTestMain(path),
};

export function sources(group) {
  if (!Object.hasOwn(groups, group)) {
    throw new Error(`sources: unknown group '${group}'; the groups are ${Object.keys(groups).join(', ')}`);
  }
  return readdirSync(join(root, 'native'), { recursive: true })
    .map((path) => `native/${path}`)
    .filter((path) => path.endsWith('.cc') && groups[group](path))
    .sort();
}

/** Enough of them that all cores of a usual machine have some, few enough that headers cost little. */
const FILES_OF_ONE = 12;

/** Pieces of one folder each, as even as they can be: a name without linkage is the folder's own, not the file's. */
function pieces(group) {
  const byFolder = new Map();
  for (const path of sources(group)) {
    const folder = path.split('/')[1];
    byFolder.set(folder, [...(byFolder.get(folder) ?? []), path]);
  }
  return [...byFolder].flatMap(([folder, paths]) => {
    const count = Math.ceil(paths.length / FILES_OF_ONE);
    return Array.from({ length: count }, (_, index) => ({
      name: count === 1 ? folder : `${folder}-${index + 1}`,
      paths: paths.slice((index * paths.length) / count, ((index + 1) * paths.length) / count),
    }));
  });
}

/** Writes what has changed, so that nothing else is compiled again; returns all paths. */
export function unity(group) {
  const folder = join('build', 'unity', group);
  mkdirSync(join(root, folder), { recursive: true });
  const wanted = pieces(group).map(({ name, paths }) => ({
    path: join(folder, `${name}.cc`),
    text: paths.map((path) => `#include "${path.replace('native/', '')}"\n`).join(''),
  }));
  for (const name of readdirSync(join(root, folder)))
    if (!wanted.some(({ path }) => path === join(folder, name))) rmSync(join(root, folder, name), { recursive: true });
  for (const { path, text } of wanted) {
    const place = join(root, path);
    if (!existsSync(place) || readFileSync(place, 'utf8') !== text) writeFileSync(place, text);
  }
  return wanted.map(({ path }) => path);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [first, second] = process.argv.slice(2);
  console.log((first === '--unity' ? unity(second) : sources(first)).join('\n'));
}
