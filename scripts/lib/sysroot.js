/**
 * Fetches the headers and libraries of an old glibc, which are those of Debian 11. What is linked with them runs with a
 * newer one too.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, isAbsolute, join, relative } from 'node:path';
import { Failure, root, step } from './run.js';

/** Debian moves a release that is out of support from the first to the second. */
const MIRRORS = ['http://deb.debian.org/debian', 'http://archive.debian.org/debian'];

const GLIBC = '2.31-13+deb11u11';
const LINUX = '5.10.223-1';

/** Path in the mirror's pool and SHA-256, for each of Debian's architectures. */
const PACKAGES = {
  amd64: [
    [`g/glibc/libc6_${GLIBC}_amd64.deb`, '05f7264da867b37f4c5ce49266b558ea1e81e05a9464f623152fca70f3550282'],
    [`g/glibc/libc6-dev_${GLIBC}_amd64.deb`, 'e7f7b45d9c5cfcf37609f0b6efd3c645272c812144703af89dfd32218fcb0fd3'],
    [`l/linux/linux-libc-dev_${LINUX}_amd64.deb`, 'e3be603bd12377bb90fcfb0f2048ca3a81c886e49d6f09945b82159d1c54f7b2'],
  ],
  arm64: [
    [`g/glibc/libc6_${GLIBC}_arm64.deb`, 'baaa9aa184e2f21738c5819055e6740cc5b22f198e3f416e33f82b40ff6933d8'],
    [`g/glibc/libc6-dev_${GLIBC}_arm64.deb`, '28d478134722dcd4b0bd2045a199301d18713bf95947b9fce66634e7aeacab2e'],
    [`l/linux/linux-libc-dev_${LINUX}_arm64.deb`, '8b6374a64412d33eac61d74f77b8f932da4b8a707ea8a614791e2a35b8917618'],
  ],
};

/** The folder of Debian architecture `debian`, fetched where it is not here yet. */
export async function ensureSysroot(debian) {
  const folder = join(root, 'build', 'prebuild', `sysroot-${debian}`);
  const isWhole = join(folder, `${GLIBC}_${LINUX}`);
  if (existsSync(isWhole)) return folder;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [path, sha256] of PACKAGES[debian]) {
    const file = join(folder, basename(path));
    writeFileSync(file, await fetched(path, sha256));
    await step(`unpacking ${basename(path)}`, 'dpkg-deb', ['--extract', file, folder]);
    rmSync(file);
  }
  makeLinksRelative(folder);
  mkdirSync(isWhole);
  return folder;
}

/** A link to /lib/... would lead out of the folder. */
function makeLinksRelative(folder) {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isSymbolicLink()) continue;
    const path = join(entry.parentPath, entry.name);
    const target = readlinkSync(path);
    if (!isAbsolute(target)) continue;
    rmSync(path);
    symlinkSync(relative(entry.parentPath, join(folder, target)), path);
  }
}

async function fetched(path, sha256) {
  let problem;
  for (const mirror of MIRRORS) {
    const url = `${mirror}/pool/main/${path}`;
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(120_000) });
      if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
      const bytes = Buffer.from(await response.arrayBuffer());
      if (createHash('sha256').update(bytes).digest('hex') !== sha256) throw new Error('its SHA-256 is another one');
      return bytes;
    } catch (error) {
      problem = `${url}: ${error.cause?.message ?? error.message}`;
    }
  }
  throw new Failure(`prebuild: a package of the old glibc could not be fetched (${problem})`);
}
