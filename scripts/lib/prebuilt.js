/** The binaries that `npm run build:prebuilt` makes, and whether they are of the sources beside them. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './run.js';

export const prebuiltFolder = join(root, 'prebuilds');

/** Named as node names them: `process.platform` and `process.arch`. All are for glibc. */
export const prebuiltPlatforms = ['linux-x64', 'linux-arm64'];

/** The oldest glibc that they run with: that of node 20. */
export const glibcFloor = '2.28';

const manifestPath = join(prebuiltFolder, 'manifest.json');

export const prebuiltPath = (platform) => join(prebuiltFolder, platform, 'tunvs.node');

/** What the package's list of files leaves out of native/ cannot be part of what an installed package is compared by. */
const isCompiled = (path) => /\.(?:cc|h)$/.test(path) && !/_(?:test|fuzz)\.cc$|^support\/|^bench\/peers\//.test(path);

/** Changes with what is in `paths`, relative to the package's root. */
export function digest(paths) {
  const hash = createHash('sha256');
  for (const path of paths) {
    hash.update(`${path}\0`).update(readFileSync(join(root, path)));
    hash.update('\0');
  }
  return hash.digest('hex');
}

/**
 * Changes with whatever the package holds that the addon is compiled from. node-addon-api is not in it (recipe.js has
 * it), because npm may install a newer one beside a binary, which fits as before.
 */
export const sourceDigest = () => digest(digestedSources());

export function digestedSources() {
  const sources = readdirSync(join(root, 'native'), { recursive: true }).filter(isCompiled).sort();
  return ['binding.gyp', 'scripts/sources.js', ...sources.map((source) => join('native', source))];
}

/** What `npm run build:prebuilt` wrote of what it made; undefined where it made nothing. */
export function readManifest() {
  return existsSync(manifestPath) ? JSON.parse(readFileSync(manifestPath, 'utf8')) : undefined;
}

export function writeManifest(manifest) {
  mkdirSync(prebuiltFolder, { recursive: true });
  writeFileSync(manifestPath, `${JSON.stringify(manifest, undefined, 2)}\n`);
}

/** Why no binary is of the sources that are here; undefined when those that are there are. */
export function sourcesProblem() {
  const manifest = readManifest();
  if (manifest === undefined) return 'there are no prebuilt binaries';
  return manifest.sources === sourceDigest() ? undefined : 'the prebuilt binaries are of other sources';
}

/** Why the package is not to be published; undefined when it has a binary of its sources for each platform. */
export function prebuiltProblem() {
  const absent = prebuiltPlatforms.filter((platform) => !existsSync(prebuiltPath(platform)));
  const gap = absent.length > 0 ? `no binary is prebuilt for ${absent.join(' and ')}` : undefined;
  return sourcesProblem() ?? gap;
}
