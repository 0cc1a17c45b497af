/**
 * The one list of native sources, for binding.gyp and native/CMakeLists.txt: `node scripts/sources.js GROUP` prints
 * the files of a group, one a line, relative to the package's root.
 */
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

const isTest = (path) => path.endsWith('_test.cc');
const isFuzz = (path) => path.endsWith('_fuzz.cc');
const isIn = (folder) => (path) => path.startsWith(`native/${folder}/`);
const isTestMain = (path) => path === 'native/support/test_main.cc';

/** What belongs to each group. An installed package has only `core` and `addon`. */
const groups = {
  core: (path) => !isTest(path) && !isFuzz(path) && !isIn('binding')(path) && !isIn('support')(path),
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

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(sources(process.argv[2]).join('\n'));
