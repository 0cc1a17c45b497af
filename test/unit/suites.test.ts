/** How the tests themselves are run: what hangs is stopped and named, and several say what they have to say in turn. */
import { strict as assert } from 'node:assert';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventuallyHolds } from '../support/eventually.js';

const script = (name: string) => new URL(`../../../scripts/lib/${name}`, import.meta.url).href;
const { InTurn } = await import(script('in-turn.js'));

/** Long enough for mocha to begin, on a slow machine too. */
const SILENCE_MS = 10_000;

let folder: string;

/** Runs a part of the tests in a process of its own; what it printed and recorded. */
function runPart(call: string): { output: string; recorded: object[] } {
  const results = join(folder, 'results');
  const body = `const suites = await import('${script('suites.js')}'); await suites.${call};`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', body], {
    env: { ...process.env, TUNVS_RESULTS: results },
    encoding: 'utf8',
    timeout: 6 * SILENCE_MS,
  });
  const lines = existsSync(results) ? readFileSync(results, 'utf8').trim().split('\n') : [];
  return { output: stdout, recorded: lines.map((line) => JSON.parse(line)) };
}

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

/** Whether the process runs whose id was written there. */
function runs(pidFile: string): boolean {
  const state = /^State:\s+(\w)/m;
  try {
    const status = readFileSync(`/proc/${readFileSync(pidFile, 'utf8').trim()}/status`, 'utf8');
    return state.exec(status)?.[1] !== 'Z';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).path?.startsWith('/proc/')) return false;
    throw error;
  }
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tunvs-suites-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('a test that fails', function () {
  this.timeout(7 * SILENCE_MS);

  /** Runs a file of two tests, and once more what failed. */
  function runTwice(second: string): ReturnType<typeof runPart> {
    const path = file('late.cjs', `it('holds', () => {}); it('is late', () => { ${second} });`);
    return runPart(
      `secondChance([await suites.mochaTests('late', ['${path}'], { isMochaIsolated: false })])
        .then(async (results) => (await import('${script('results.js')}')).record(results[0]))`,
    );
  }

  it('counts as passed and is named when it passes once more, alone', () => {
    const mark = join(folder, 'mark');
    const { output, recorded } = runTwice(
      `const { existsSync, writeFileSync } = require('node:fs');
       if (existsSync('${mark}')) return;
       writeFileSync('${mark}', '');
       throw new Error('too early');`,
    );
    assert.match(output, /passed when it was run again, with nothing beside it: is late/);
    assert.deepEqual(recorded, [{ name: 'late', passed: 2, failed: 0, skipped: 0, late: ['is late'] }]);
  });

  it('stays failed when it fails once more, and the summary says why', () => {
    const { recorded } = runTwice(`throw new Error('wrong');`);
    const failures = [{ title: 'is late', file: join(folder, 'late.cjs'), message: 'wrong' }];
    assert.deepEqual(recorded, [{ name: 'late', passed: 1, failed: 1, skipped: 0, failures }]);
    const summary = fileURLToPath(script('summary.js'));
    const { stdout, status } = spawnSync(process.execPath, [summary, join(folder, 'results'), '1', '0'], {
      encoding: 'utf8',
    });
    assert.equal(stdout, 'failed: late: is late: wrong\n1 passed, 1 failed\n');
    assert.equal(status, 1);
  });

  /** Runs a native test program, a shell script that is given the wanted test, and once more what failed. */
  function runNativeTwice(body: string): ReturnType<typeof runPart> {
    const path = file('native.sh', `#!/bin/sh\nwanted=$1\n${body}\n`);
    chmodSync(path, 0o755);
    return runPart(
      `secondChance([await suites.nativeTests('native', '${path}')])
        .then(async (results) => (await import('${script('results.js')}')).record(results[0]))`,
    );
  }
  const failing = (count: number) => `echo '    a.cc:1: FAILED: CHECK(sun)'; echo '2 passed, ${count} failed'; exit 1`;

  it('in native code counts as passed and is named when it passes once more, alone', () => {
    const { recorded } = runNativeTwice(
      `[ "$wanted" = 'waits for it' ] && echo '1 passed, 0 failed' && exit 0
       echo 'waits for it'; ${failing(1)}`,
    );
    assert.deepEqual(recorded, [{ name: 'native', passed: 3, failed: 0, skipped: 0, late: ['waits for it'] }]);
  });

  it('in native code stays failed when it fails once more, with what it checked', () => {
    const { recorded } = runNativeTwice(`echo 'waits for it'; ${failing(1)}`);
    const failures = [{ title: 'waits for it', message: 'CHECK(sun)', isOfTest: true }];
    assert.deepEqual(recorded, [{ name: 'native', passed: 2, failed: 1, skipped: 0, failures }]);
  });

  for (const [what, said, passed, message] of [
    ['a crash', 'echo dies; kill -SEGV $$', 0, 'the program ended here'],
    ['a report', 'echo dies; echo SUMMARY: data race in f; echo 1 passed, 0 failed; exit 66', 1, 'data race in f'],
  ] as const) {
    it(`in native code has no second chance after ${what}, which is named`, () => {
      const { recorded } = runNativeTwice(`echo 'lives on'; [ -n "$wanted" ] && exit 0; ${said}`);
      const failures = [{ title: 'dies', message, isOfTest: false }];
      assert.deepEqual(recorded, [{ name: 'native', passed, failed: 1, skipped: 0, failures }]);
    });
  }

  it('is not run again among more than a slow machine explains', () => {
    const tests = `for i in 1 2 3 4 5 6 7 8 9; do echo "is late $i"; echo '    a.cc:1: FAILED: late'; done`;
    const { recorded } = runNativeTwice(
      `[ -n "$wanted" ] && echo '1 passed, 0 failed' && exit 0
       ${tests}; ${failing(9)}`,
    );
    const [{ failed, failures }] = recorded as [{ failed: number; failures: unknown[] }];
    assert.deepEqual([failed, failures.length], [9, 9]);
  });
});

describe('a test that hangs', function () {
  this.timeout(7 * SILENCE_MS);

  it('in mocha is stopped with all that it started, named, and counted as failed beside those before it', () => {
    const pid = join(folder, 'pid');
    const path = file(
      'hanging.cjs',
      `it('ends', () => {});
       it('never ends', () => {
         const child = require('node:child_process').spawn('sleep', ['1000'], { stdio: 'inherit' });
         require('node:fs').writeFileSync('${pid}', String(child.pid));
         for (;;);
       });
       it('comes later', () => {});`,
    );
    const { output, recorded } = runPart(
      `runMocha('hanging', ['${path}'], { limitMs: ${SILENCE_MS}, isMochaIsolated: false })`,
    );
    assert.match(output, /hanging: stopped, as it said nothing for 10 s, in the test "never ends"/);
    assert.deepEqual(recorded, [{ name: 'hanging', passed: 1, failed: 1, skipped: 0 }]);
    assert.equal(runs(pid), false);
  });

  it('in native code is stopped with all that it started, and named', () => {
    const pid = join(folder, 'pid');
    const path = file(
      'hanging.sh',
      `#!/bin/sh\necho 'ends'\necho 'never ends'\necho '    a detail'\nsleep 1000 & echo $! >${pid}\nwait\n`,
    );
    chmodSync(path, 0o755);
    const { output, recorded } = runPart(`runNativeTests('hanging', '${path}', { limitMs: 3000 })`);
    assert.match(output, /hanging: stopped, as it said nothing for 3 s, in the test "never ends"/);
    assert.deepEqual(recorded, [{ name: 'hanging', passed: 0, failed: 1, skipped: 0 }]);
    assert.equal(runs(pid), false);
  });

  for (const [what, said, named] of [
    ['before it says anything', '', ''],
    ['amid a line', `printf 'ends\\nnever ends'`, ', in the test "never ends"'],
  ]) {
    it(`in native code is stopped ${what}, and the stop itself is not taken for a test`, () => {
      const path = file('silent.sh', `#!/bin/sh\n${said}\nsleep 1000\n`);
      chmodSync(path, 0o755);
      const { output } = runPart(`runNativeTests('silent', '${path}', { limitMs: 1000 })`);
      const [line] = output.split('\n').filter((each) => each.startsWith('silent: stopped'));
      assert.equal(line, `silent: stopped, as it said nothing for 1 s${named}`);
    });
  }

  it('is none while something is said now and then', () => {
    const path = file(
      'slow.sh',
      `#!/bin/sh\nfor i in 1 2 3 4 5 6 7 8 9 10; do echo $i; sleep 0.5; done\necho '10 passed, 0 failed'\n`,
    );
    chmodSync(path, 0o755);
    const { recorded } = runPart(`runNativeTests('slow', '${path}', { limitMs: 4000 })`);
    assert.deepEqual(recorded, [{ name: 'slow', passed: 10, failed: 0, skipped: 0 }]);
  });
});

describe('programs that run at the same time', () => {
  it('all end with the script that runs them when that is interrupted', async () => {
    const pids = ['first', 'second'].map((name) => join(folder, name));
    const body = `const { collect } = await import('${script('run.js')}');
      for (const pid of ${JSON.stringify(pids)}) collect('sh', ['-c', 'echo $$ >$0.new; mv $0.new $0; exec sleep 1000', pid]);`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', body], { stdio: 'ignore' });
    await eventuallyHolds(async () => assert(pids.every((pid) => existsSync(pid))));
    child.kill('SIGINT');
    assert.deepEqual(await once(child, 'exit'), [130, null]);
    await eventuallyHolds(async () => assert.deepEqual(pids.filter(runs), []));
  });

  it('have their output one behind the other, the first one at once', () => {
    let shown = '';
    const screen = new InTurn({ write: (text: string) => (shown += text) });
    const [first, second, third] = [screen.open(), screen.open(), screen.open()];
    second.write('b1 ');
    third.write('c1 ');
    third.end();
    assert.equal(shown, '');
    first.write('a1 ');
    assert.equal(shown, 'a1 ');
    first.end();
    assert.equal(shown, 'a1 b1 ');
    second.write('b2 ');
    assert.equal(shown, 'a1 b1 b2 ');
    second.end();
    assert.equal(shown, 'a1 b1 b2 c1 ');
  });
});
