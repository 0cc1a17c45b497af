/** What the prebuilt binaries are made of and with, and whether those that are there are still of it. */
import { spawnSync } from 'node:child_process';
import { targets } from './cross.js';
import { digest, glibcFloor, prebuiltProblem, readManifest, sourceDigest } from './prebuilt.js';

/** How the sources become binaries, beside what sourceDigest() has. */
const RECIPE = [
  'scripts/prebuild.js',
  'scripts/lib/addon.map',
  'scripts/lib/cross.js',
  'scripts/lib/node-gyp.js',
  'scripts/lib/old-glibc.c',
  'scripts/lib/sysroot.js',
  'node_modules/node-addon-api/napi.h',
  'node_modules/node-addon-api/napi-inl.h',
  'node_modules/node-addon-api/napi-inl.deprecated.h',
  'node_modules/node-gyp/package.json',
];

/** What a compiler says of its version; undefined where it is not installed. */
const versionOf = (compiler) => spawnSync(compiler, ['--version'], { encoding: 'utf8' }).stdout?.split('\n', 1)[0];

/** What the binaries would be of if they were made now. REQUIRES: node_modules is there. */
export function currentRecipe() {
  return {
    sources: sourceDigest(),
    recipe: digest(RECIPE),
    glibc: glibcFloor,
    node: process.version,
    compilers: Object.fromEntries(targets.map(({ platform, triplet }) => [platform, versionOf(`${triplet}-g++`)])),
  };
}

/** Names what of `recipe` differs from that of the `manifest`. */
export const changesSince = (manifest, recipe) =>
  Object.keys(recipe).filter((name) => JSON.stringify(manifest?.[name]) !== JSON.stringify(recipe[name]));

/**
 * Says why the package is not to be published: to prebuiltProblem() it adds that the binaries were made in another way.
 * It does not look at node and the compilers, as another machine may publish.
 */
export function publishProblem(recipe = currentRecipe()) {
  const problem = prebuiltProblem();
  if (problem !== undefined) return problem;
  const changed = changesSince(readManifest(), { recipe: recipe.recipe, glibc: recipe.glibc });
  return changed.length > 0 ? 'the prebuilt binaries were made in another way than now' : undefined;
}
