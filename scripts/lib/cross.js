/**
 * How the addon is compiled for another machine than this one: with GCC and an old glibc. GCC's own libraries are linked
 * in.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Failure, hasProgram, root } from './run.js';

export const targets = [
  { platform: 'linux-x64', arch: 'x64', debian: 'amd64', triplet: 'x86_64-linux-gnu' },
  { platform: 'linux-arm64', arch: 'arm64', debian: 'arm64', triplet: 'aarch64-linux-gnu' },
];

/** Debian's package of a target's compiler: the usual one on a machine of that kind. */
export const compilerPackage = ({ arch, triplet }) =>
  process.arch === arch ? 'g++' : `g++-${triplet.replaceAll('_', '-')}`;

/** Debian's packages of the programs that `npm run build:prebuilt` needs and that are not here. */
export function missingCrossPackages() {
  const compilers = targets.filter(({ triplet }) => !hasProgram(`${triplet}-g++`)).map(compilerPackage);
  return [...compilers, ...(hasProgram('dpkg-deb') ? [] : ['dpkg'])];
}

/** Where GCC looks for headers of its own: those of C++, and those that belong to the compiler. */
function compilerHeaders(compiler) {
  const { stderr = '' } = spawnSync(compiler, ['-E', '-v', '-x', 'c++', '/dev/null'], { encoding: 'utf8' });
  const searched = /^#include <\.\.\.>.*\n((?: .*\n)*)/m.exec(stderr)?.[1] ?? '';
  const folders = searched
    .split('\n')
    .map((line) => line.trim())
    .filter((folder) => /\/c\+\+\/|\/gcc(?:-cross)?\/[^.]*\/include$/.test(folder));
  if (folders.length < 3) throw new Failure(`prebuild: ${compiler} does not say where its headers are`);
  return folders;
}

/** What make takes out of the environment. `objects`: linked in beside what binding.gyp names. */
export function crossEnvironment({ triplet }, sysroot, objects = []) {
  const compiler = `${triplet}-g++`;
  // The compiler's own search would find a newer glibc first, where Debian installs the headers of a cross compiler.
  const system = [join(sysroot, 'usr', 'include', triplet), join(sysroot, 'usr', 'include')];
  const headers = [...compilerHeaders(compiler), ...system].flatMap((folder) => ['-isystem', folder]);
  const libraries = ['usr/lib', 'lib'].map((folder) => join(sysroot, folder, triplet)).filter(existsSync);
  const places = libraries.flatMap((folder) => [`-B${folder}`, `-L${folder}`]);
  const exported = `-Wl,--version-script=${join(root, 'scripts', 'lib', 'addon.map')}`;
  const linkIn = ['-static-libstdc++', '-static-libgcc', exported, '-Wl,--gc-sections', '-s', ...objects];
  // TUNVS_CCACHE=1 is for whoever builds again and again.
  const launcher = process.env.TUNVS_CCACHE ? 'ccache ' : '';
  return {
    ...process.env,
    CC: `${launcher}${triplet}-gcc`,
    CXX: `${launcher}${compiler}`,
    AR: `${triplet}-ar`,
    CXXFLAGS: [`--sysroot=${sysroot}`, '-nostdinc', ...headers].join(' '),
    LDFLAGS: [`--sysroot=${sysroot}`, ...places, ...linkIn].join(' '),
  };
}

/** The folder that node-gyp builds in: the checkout's sources and no more, so that its own build stays as it is. */
export const stageFolder = ({ platform }) => join(root, 'build', 'prebuild', platform);
