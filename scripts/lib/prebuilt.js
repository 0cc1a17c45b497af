/** The binaries that `npm run build:prebuilt` makes, and whether they are of the sources beside them. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './run.js';

export const prebuiltFolder = join(root, 'prebuilds');

/** Named as node names them: `process.platform` and `process.arch`. All are for glibc. */
export const prebuiltPlatforms = ['linux-x64', 'linux-arm64'];

/** The oldest glibc that they run with: that of node 20. */
export const glibcFloor = '2.28';

const manifestPath = join(prebuiltFolder, 'manifest.json');

export const prebuiltPath = (platform) => join(prebuiltFolder, platform, 'tunvs.node');

const isCompiled = (path) => /\.(?:cc|h)$/.test(path) && !/_(?:test|fuzz)\.cc$|^support\//.test(path);

/** Changes with whatever the addon is compiled from. */
export function sourceDigest() {
  const hash = createHash('sha256');
  const sources = readdirSync(join(root, 'native'), { recursive: true }).filter(isCompiled).sort();
  for (const path of ['binding.gyp', ...sources.map((source) => join('native', source))])
    hash
      .update(`${path}\0`)
      .update(readFileSync(join(root, path)))
      .update('\0');
  return hash.digest('hex');
}

/** Why the binaries cannot be shipped, or used, with the sources that are here; undefined when they can. */
export function prebuiltProblem() {
  if (!existsSync(manifestPath)) return 'there are no prebuilt binaries';
  const { sources } = JSON.parse(readFileSync(manifestPath, 'utf8'));
  if (sources !== sourceDigest()) return 'the prebuilt binaries are of other sources';
  const absent = prebuiltPlatforms.filter((platform) => !existsSync(prebuiltPath(platform)));
  return absent.length > 0 ? `no binary is prebuilt for ${absent.join(' and ')}` : undefined;
}
