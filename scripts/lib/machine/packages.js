/** Debian's packages, without installing them: apt with lists of its own, so that the host's sources do not matter. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure, collect, root, step } from '../run.js';

const place = join(root, 'build', 'kernels');
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
const suites = ['bullseye', 'bookworm'];

const sources = suites
  .flatMap((suite) => [`debian ${suite}`, `debian-security ${suite}-security`])
  .map((each) => `deb [arch=amd64 signed-by=${keyring}] http://deb.debian.org/${each} main\n`)
  .join('');

/** The kernels that tests run with; `package` tells its packages from those of others, by their names. */
export const kernels = {
  '5.10': /^linux-image-(5\.10\.\d+-\d+-cloud-amd64)$/,
  6.1: /^linux-image-(6\.1\.\d+-\d+-cloud-amd64)$/,
  6.12: /^linux-image-(6\.12\.\d+\+deb12-cloud-amd64)$/,
};

/** Returns the newest of the `names` that the pattern fits, by the numbers in it. */
export function newest(names, pattern) {
  const byNumbers = new Intl.Collator('en', { numeric: true });
  return names
    .filter((name) => pattern.test(name))
    .sort(byNumbers.compare)
    .at(-1);
}

let options;

/** Returns apt's options for lists of our own, which are fetched once in a run. */
async function apt() {
  if (options) return options;
  const folder = join(place, 'apt');
  for (const each of ['lists/partial', 'cache/archives/partial']) mkdirSync(join(folder, each), { recursive: true });
  writeFileSync(join(folder, 'sources.list'), sources);
  writeFileSync(join(folder, 'status'), '');
  const settings = {
    'Dir::Etc::SourceList': join(folder, 'sources.list'),
    'Dir::Etc::SourceParts': '/dev/null',
    'Dir::State::Lists': join(folder, 'lists'),
    'Dir::State::status': join(folder, 'status'),
    'Dir::Cache': join(folder, 'cache'),
    'APT::Architecture': 'amd64',
    'APT::Sandbox::User': 'root',
  };
  const ours = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  await step('apt-get update, with lists of its own', 'apt-get', [...ours, '--quiet', 'update']);
  options = ours;
  return options;
}

/** Unpacks a package into a folder. */
async function unpack(name, folder) {
  const ours = await apt();
  const fresh = mkdtempSync(join(place, 'download-'));
  try {
    await step(`apt-get download ${name}`, 'apt-get', [...ours, '--quiet', 'download', name], { cwd: fresh });
    const [file] = readdirSync(fresh);
    await step(`dpkg-deb --extract ${file}`, 'dpkg-deb', ['--extract', join(fresh, file), folder]);
  } finally {
    rmSync(fresh, { recursive: true });
  }
}

/** Returns the path of a busybox without libraries. */
export async function busybox() {
  const folder = join(place, 'busybox');
  const path = join(folder, 'bin', 'busybox');
  if (!existsSync(path)) await unpack('busybox-static', folder);
  return path;
}

/**
 * Returns { release, image, modules } of a kernel of Debian's: the newest one when it is fetched, which is once. Another
 * comes when build/kernels/NAME is removed.
 */
export async function kernel(name) {
  const folder = join(place, name);
  const tree = join(folder, 'lib', 'modules');
  const isHere = () =>
    existsSync(tree) && readdirSync(tree).some((each) => existsSync(join(tree, each, 'modules.dep')));
  if (!isHere()) {
    rmSync(folder, { recursive: true, force: true });
    const { output } = await collect('apt-cache', [...(await apt()), 'pkgnames', 'linux-image-']);
    const wanted = newest(output.split('\n'), kernels[name]);
    if (!wanted) throw new Failure(`kernels: Debian has no Linux ${name} for virtual machines any more`);
    await unpack(wanted, folder);
    const [release] = readdirSync(tree);
    await step(`depmod ${release}`, await busybox(), ['depmod', '-b', folder, release]);
  }
  const [release] = readdirSync(tree);
  return { release, image: join(folder, 'boot', `vmlinuz-${release}`), tree, modules: join(tree, release) };
}
