/** The programs beyond those of `npm test`: says which are here, and installs the others where that is allowed. */
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { compilerPackage, targets } from './cross.js';
import { Failure, collect, hasProgram, step } from './run.js';

const emptyFuzzTarget = 'extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }';

/** clang needs the run-time parts of its sanitizers and fuzzer, which Debian packages separately. */
function hasClang() {
  const compile = ['-fsanitize=address,undefined,fuzzer', '-x', 'c++', '-', '-o', '/dev/null'];
  return spawnSync('clang++', compile, { input: emptyFuzzTarget }).status === 0;
}

async function clangPackages() {
  const { output } = await collect('apt-cache', ['depends', 'clang']);
  const version = /Depends: clang-(\d+)/.exec(output)?.[1] ?? '14';
  return ['clang', `libclang-rt-${version}-dev`];
}

const known = {
  clang: { isHere: hasClang, packages: clangPackages },
  ...Object.fromEntries(
    targets.map((target) => {
      const name = `${target.triplet}-g++`;
      return [name, { isHere: () => hasProgram(name), packages: async () => [compilerPackage(target)] }];
    }),
  ),
  'qemu-aarch64-static': {
    isHere: () => hasProgram('qemu-aarch64-static'),
    packages: async () => ['qemu-user-static'],
  },
  'qemu-system-x86_64': {
    isHere: () => hasProgram('qemu-system-x86_64'),
    packages: async () => ['qemu-system-x86'],
  },
  nft: { isHere: () => hasProgram('nft'), packages: async () => ['nftables'] },
  dnsmasq: { isHere: () => hasProgram('dnsmasq'), packages: async () => ['dnsmasq-base'] },
  aiosmtpd: { isHere: () => hasProgram('aiosmtpd'), packages: async () => ['python3-aiosmtpd'] },
  promtool: { isHere: () => hasProgram('promtool') && hasProgram('prometheus'), packages: async () => ['prometheus'] },
  etcd: { isHere: () => hasProgram('etcd'), packages: async () => ['etcd-server'] },
  bird: { isHere: () => hasProgram('bird'), packages: async () => ['bird2'] },
  'systemd-analyze': { isHere: () => hasProgram('systemd-analyze'), packages: async () => ['systemd'] },
  ...Object.fromEntries(
    [
      ...['cmake', 'clang-format', 'tcpdump', 'tshark', 'ethtool', 'nginx', 'haproxy', 'curl', 'ldirectord'],
      'keepalived',
    ].map((name) => [name, { isHere: () => hasProgram(name), packages: async () => [name] }]),
  ),
};

/** Those of `npm run test:full`; virtual machines are for `npm run test:kernels`. */
export const allPrograms = Object.keys(known).filter((name) => name !== 'qemu-system-x86_64');

const missing = (names) => names.filter((name) => !known[name].isHere());

const mayInstall = () => process.getuid() === 0 && hasProgram('apt-get') && !process.env.TUNVS_NO_APT;

/** Debian starts a server as soon as it is installed, unless this file says no. */
async function withoutStartingServices(body) {
  const policy = '/usr/sbin/policy-rc.d';
  if (existsSync(policy)) return body();
  writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    await body();
  } finally {
    rmSync(policy);
  }
}

/** Installs what is missing of `names` when root and apt-get are there; returns the names of what is still missing. */
export async function installPrograms(names) {
  if (missing(names).length === 0 || !mayInstall()) return missing(names);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await step('apt-get update', 'apt-get', ['update', '--quiet'], { env });
  const packages = (await Promise.all(missing(names).map((name) => known[name].packages()))).flat();
  const install = ['install', '--quiet', '--yes', '--no-install-recommends', ...packages];
  await withoutStartingServices(() => step(`apt-get install ${packages.join(' ')}`, 'apt-get', install, { env }));
  return missing(names);
}

/** Returns one sentence that says how to get `names`. */
export async function installSentence(names) {
  const packages = (await Promise.all(names.map((name) => known[name].packages()))).flat();
  return `${names.join(', ')} missing; install with: apt-get install ${packages.join(' ')}`;
}

export async function checkPrograms(names) {
  const absent = missing(names);
  if (absent.length > 0) throw new Failure(await installSentence(absent));
}
