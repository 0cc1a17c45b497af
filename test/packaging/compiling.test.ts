/** The package without prebuilt binaries: it is compiled where it is installed, or says why it is not. */
import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { cleanEnvironment, emptyProject, INSTALL, pack, type Ran, root, run, tryRun } from './installing.js';

describe('the package without prebuilt binaries', function () {
  this.timeout(900_000);
  let folder = '';
  let packed = '';

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'tunvs-compiling-'));
    const whole = pack(folder).path;
    execFileSync('tar', ['-xzf', whole, '-C', folder]);
    rmSync(join(folder, 'package', 'prebuilds'), { recursive: true, force: true });
    packed = join(folder, 'sources.tgz');
    execFileSync('tar', ['-czf', packed, '-C', folder, 'package']);
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  function install(env: NodeJS.ProcessEnv, wanted = packed): Ran {
    const project = emptyProject();
    try {
      // The g++ in PATH is the compiler.
      const { CC: _cc, CXX: _cxx, ...rest } = cleanEnvironment();
      return tryRun(project, { ...rest, ...env }, 'npm', ...INSTALL, wanted);
    } finally {
      rmSync(project, { recursive: true });
    }
  }

  /** What our script wrote last, without npm's own lines around it. */
  function lastSentence({ status, stderr }: Ran): string {
    assert.notEqual(status, 0);
    const lines = stderr
      .split('\n')
      .map((line) => line.replace(/^npm (?:error|ERR!) ?/, ''))
      .filter((line) => line !== '' && !/^A complete log|^\s*\/.*-debug-\d+\.log$/.test(line));
    return lines.at(-1) ?? '';
  }

  /** A folder with programs in it, to be a PATH. */
  function programs(name: string, scripts: Record<string, string>, links: string[] = []): string {
    const place = join(folder, name);
    mkdirSync(place);
    for (const [program, text] of Object.entries(scripts)) {
      writeFileSync(join(place, program), `#!/bin/sh\n${text}\n`);
      chmodSync(join(place, program), 0o755);
    }
    for (const program of links)
      symlinkSync(run(folder, 'sh', '-c', `command -v ${program}`).trim(), join(place, program));
    return place;
  }

  /** A g++ of GCC's that ends with what it says of everything but its version. */
  const gcc = (ending: string) => `case "$1" in
    --version) echo "g++ (Debian 8.3.0-6) 8.3.0"; echo "Copyright (C) 2018 Free Software Foundation, Inc."; exit 0 ;;
  esac
  ${ending}`;

  it('names what is missing and how to install it, last', () => {
    const place = programs('bare', {}, ['node', 'npm', 'sh', 'env', 'uname']);
    const sentence = lastSentence(install({ PATH: place }));
    assert.match(
      sentence,
      /^tunvs: the native part could not be compiled: python3, make and g\+\+ are missing; install /,
    );
    for (const command of ['apt-get install', 'dnf install', 'apk add']) assert(sentence.includes(command), sentence);
  });

  it('names the file with the output of a compiler that failed, last', () => {
    const broken = programs('broken', { 'g++': gcc('echo "the compiler is broken" >&2; exit 1') });
    const sentence = lastSentence(install({ PATH: `${broken}:${process.env.PATH}` }));
    assert.match(sentence, /^tunvs: the native part could not be compiled: the compiler or node-gyp failed;/);
    const log = /the output of node-gyp is in (\S+)$/.exec(sentence)?.[1];
    assert(log, sentence);
    assert.match(readFileSync(log, 'utf8'), /the compiler is broken/);
    rmSync(dirname(log), { recursive: true });
  });

  it('asks for a newer compiler where C++20 is unknown, last', () => {
    const old = programs('old', {
      'g++': gcc(`echo "g++: error: unrecognized command line option '-std=c++20'" >&2; exit 1`),
    });
    const sentence = lastSentence(install({ PATH: `${old}:${process.env.PATH}` }));
    assert.match(sentence, /: the compiler does not know C\+\+20; tunvs needs g\+\+ 12 .* is in \S+$/);
  });

  it('asks for headers of node where they cannot be downloaded, last', () => {
    // Node's own headers would be taken: a copy of its binary has none beside it. npm is not run, as its files may name
    // some.
    const node = join(programs('far', {}), 'node');
    cpSync(process.execPath, node);
    const { npm_config_nodedir: _, ...rest } = cleanEnvironment();
    const dead = { npm_config_disturl: 'http://127.0.0.1:9/', npm_config_devdir: join(folder, 'dev') };
    const gyp = { npm_config_node_gyp: join(root, 'node_modules', 'node-gyp', 'bin', 'node-gyp.js') };
    const ran = tryRun(join(folder, 'package'), { ...rest, ...dead, ...gyp }, node, 'scripts/install.js');
    assert.match(
      lastSentence(ran),
      /: the headers of node v\S+ are not on this machine .* "npm install --nodedir=FOLDER"; /,
    );
  });

  it('is compiled by npm install, and then carries packets', () => {
    const project = emptyProject();
    // Without optimization, which this does not look at and which takes most of the time.
    const env = { ...cleanEnvironment(), CXXFLAGS: '-O0' };
    const { status, stderr } = tryRun(project, env, 'npm', ...INSTALL, packed);
    assert.equal(status, 0, stderr);
    const installed = join(project, 'node_modules', 'tunvs');
    assert(existsSync(join(installed, 'build', 'Release', 'tunvs.node')));
    assert.match(run(project, join(project, 'node_modules', '.bin', 'tunvs'), '--version'), /^\d+\.\d+\.\d+\n$/);
    run(project, process.execPath, '--input-type=module', '-e', "await import('tunvs')");
    rmSync(project, { recursive: true });
  });

  it('is compiled once where it comes out of a git repository', function () {
    if (!existsSync(join(root, '.git'))) this.skip();
    const compiles = `case "$* " in *" -c "*) echo once >> ${folder}/count ;; esac`;
    const broken = programs('counting', { 'g++': `${compiles}; exit 1` });
    const path = `${broken}:${process.env.PATH}`;
    const ran = install({ PATH: path, JOBS: '1' }, `git+file://${root}`);
    assert.doesNotMatch(ran.stderr, /git dep preparation failed/);
    assert.match(lastSentence(ran), /^tunvs: the native part could not be compiled: /);
    assert.equal(readFileSync(join(folder, 'count'), 'utf8'), 'once\n');
  });
});
