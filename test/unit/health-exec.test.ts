import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { CheckFailure } from '../../lib/health/checks/check.js';
import { type ExecCheckOptions, execCheck, PROGRAMS_AT_ONCE } from '../../lib/health/checks/exec.js';
import { Guardian } from '../../lib/health/checks/exec/guardian.js';
import { changers } from '../../lib/health/checks/exec/safety.js';
import { contextOf, found } from '../support/check-context.js';
import { eventuallyHolds } from '../support/eventually.js';
import { runs, Scripts, untilEnded } from '../support/scripts.js';

const NOBODY = 65534;
const CHECK = new URL('../../lib/health/checks/exec.js', import.meta.url).href;
const isRoot = process.geteuid?.() === 0;

describe('the check exec', () => {
  let scripts: Scripts;

  beforeEach(() => {
    scripts = new Scripts();
    chmodSync(scripts.folder, 0o755);
  });

  afterEach(() => {
    scripts[Symbol.dispose]();
  });

  const check = (text: string, options: Partial<ExecCheckOptions> = {}, signal?: AbortSignal) =>
    found(execCheck({ path: scripts.write('check', text), ...options }), contextOf('192.0.2.7', 8080, signal));

  const codes: [code: number, dynamic: boolean, weight: number | undefined | 'fails'][] = [
    [0, false, undefined],
    [0, true, undefined],
    [1, false, 'fails'],
    [1, true, 'fails'],
    [2, false, 'fails'],
    [2, true, 0],
    [12, true, 10],
    [126, true, 124],
    [255, true, 253],
    [255, false, 'fails'],
  ];
  for (const [code, dynamic, weight] of codes)
    it(`takes exit code ${code} ${dynamic ? 'as a weight' : 'as it is'}`, async () => {
      const finding = await check(`exit ${code}`, { dynamic });
      assert.equal(finding.passed, weight !== 'fails');
      assert.deepEqual(finding.advice, typeof weight === 'number' ? { weight } : undefined);
      assert.match(finding.message, new RegExp(`^exit code ${code}\\b`));
      if (weight === 'fails') assert.equal(finding.reason, 'wrong answer');
    });

  it('gives arguments as they are, and tells of the server in an environment of its own', async () => {
    const list = `printf '<%s>' "$@" >${scripts.path('words')}; env >${scripts.path('env')}; pwd; id -u`;
    const words = ['a b', '$(id)', "'; exit 7 #", ''];
    process.env.TUNVS_TEST_SECRET = 'x';
    try {
      await check(list, { arguments: words, environment: { TOKEN: 'k' } });
    } finally {
      delete process.env.TUNVS_TEST_SECRET;
    }
    assert.equal(readFileSync(scripts.path('words'), 'utf8'), "<a b><$(id)><'; exit 7 #><>");
    const environment = new Set(readFileSync(scripts.path('env'), 'utf8').trim().split('\n'));
    // The shell adds the first, and the last is random.
    const told = [...environment].filter((line) => !/^(PWD=\/|TUNVS_RUN=[0-9a-f]{16})$/.test(line));
    assert.equal(told.length, environment.size - 2);
    assert.deepEqual(told.sort(), [
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      'TOKEN=k',
      'TUNVS_SERVER_ADDRESS=192.0.2.7',
      'TUNVS_SERVER_PORT=8080',
      'TUNVS_SERVICE_ADDRESS=192.0.2.1',
      'TUNVS_SERVICE_PORT=80',
      'TUNVS_SERVICE_PROTOCOL=tcp',
    ]);
  });

  it('says the last line that was written, without what steers terminals', async () => {
    assert.equal((await check("echo a; echo 'b\u001b[2J' >&2; echo; exit 1")).message, 'exit code 1: b\\u001b[2J');
    assert.equal((await check(`printf '%01000d' 1; exit 1`)).message, `exit code 1: ${'0'.repeat(200)}`);
  });

  it('ends a program that writes without end', async () => {
    const finding = await check(`echo $$ >${scripts.path('pid')}; exec yes`);
    assert.equal(finding.reason, 'failed');
    assert.match(finding.message, /wrote more than 1048576 bytes$/);
    await untilEnded(...(await scripts.numbers('pid', 1)));
  });

  it('names a program that is missing, may not be executed, or is none', async () => {
    const at = (path: string) => found(execCheck({ path }), contextOf('192.0.2.7', 1));
    const missing = scripts.path('missing');
    const plain = scripts.write('plain', 'exit 0', 0o644);
    const lost = scripts.path('lost');
    writeFileSync(lost, '#!/nonexistent/sh\n', { mode: 0o755 });
    const findings = [await at(missing), await at(plain), await at(lost), await at(scripts.folder)];
    assert.ok(findings.every(({ isOwnFault }) => isOwnFault));
    assert.deepEqual(
      findings.map(({ message }) => message),
      [
        `${missing} is missing`,
        `${plain} may not be executed`,
        `the interpreter that ${lost} names is missing`,
        `${scripts.folder} may not be executed`,
      ],
    );
  });

  it('says which signal has ended it', async () => {
    const finding = await check('kill -s SEGV $$');
    assert.deepEqual([finding.reason, finding.message], ['failed', 'ended by SIGSEGV']);
  });

  it('ends the whole process group when the time is over: by SIGTERM, and by SIGKILL if that is not enough', async () => {
    const family = (trap: string) =>
      `${trap}; sleep 1000 & echo $$ $! >${scripts.path('pids')}; wait; wait; sleep 1000`;
    for (const [trap, graceMs] of [
      [':', 600_000],
      ["trap '' TERM", 10],
    ] as const) {
      const ending = new AbortController();
      const run = check(family(trap), { graceMs }, ending.signal);
      const pids = await scripts.numbers('pids', 2);
      assert.ok(pids.every(runs));
      ending.abort(new Error('over'));
      await assert.rejects(run, /^Error: over$/);
      await untilEnded(...pids);
      scripts.write('pids', '');
    }
  });

  it('ends what a program has left behind in its group', async () => {
    const finding = await check(`sleep 1000 & echo $! >${scripts.path('pid')}; echo done`);
    assert.equal(finding.message, 'exit code 0: done');
    await untilEnded(...(await scripts.numbers('pid', 1)));
  });

  it('does not wait for what has left its group and holds its output', async () => {
    const finding = await check(`setsid sleep 1000 & echo $! >${scripts.path('pid')}; echo done`);
    assert.equal(finding.message, 'exit code 0: done');
    const [pid = 0] = await scripts.numbers('pid', 1);
    if (runs(pid)) process.kill(pid, 'SIGKILL');
  });

  it('runs a bounded number at once; those that wait begin in turn, or not at all when their time is over', async () => {
    const go = scripts.path('go');
    const text = `echo x >>${scripts.path('begun')}; until [ -e ${go} ]; do sleep 0.01; done`;
    const begun = () => readFileSync(scripts.path('begun'), 'utf8').length / 2;
    const path = scripts.write('waiting', text);
    const one = (signal?: AbortSignal) => found(execCheck({ path }), contextOf('192.0.2.7', 1, signal));
    const running = Array.from({ length: PROGRAMS_AT_ONCE }, () => one());
    const ending = new AbortController();
    const late = one(ending.signal);
    const last = one();
    await eventuallyHolds(async () => assert.equal(begun(), PROGRAMS_AT_ONCE));
    ending.abort(new Error('over'));
    await assert.rejects(late, /^Error: over$/);
    assert.equal(begun(), PROGRAMS_AT_ONCE);
    // Programs that hang must not fail the servers of others.
    const over = AbortSignal.abort(new CheckFailure('timeout', 'no answer within 10 ms'));
    const starved = await one(over);
    assert.equal(starved.isOwnFault, true);
    assert.match(starved.message, /^32 programs ran already/);
    writeFileSync(go, '');
    assert.ok((await Promise.all([...running, last])).every((finding) => finding.passed));
    assert.equal(begun(), PROGRAMS_AT_ONCE + 1);
  });

  it('ends what a program that hangs has moved out of its process group', async () => {
    const ending = new AbortController();
    const file = scripts.path('stray');
    const running = check(`setsid sh -c 'echo $$ >${file}; exec sleep 1000' & sleep 1000`, {}, ending.signal);
    const [stray] = await scripts.numbers('stray', 1);
    ending.abort(new CheckFailure('timeout', 'no answer within 10 ms'));
    assert.equal((await running).reason, 'timeout');
    await untilEnded(stray as number);
  });

  it('runs as another user, with that user and group alone', async function () {
    if (!isRoot) this.skip();
    const finding = await check('id -u; echo "$(id -u) $(id -G)"', { user: `${NOBODY}:${NOBODY}` });
    assert.equal(finding.message, `exit code 0: ${NOBODY} ${NOBODY}`);
    assert.equal((await check('id -u', { user: '0:0' })).message, 'exit code 0: 0');
    const unknown = await check('exit 0', { user: 'no-such-user' });
    assert.equal(unknown.reason, 'failed');
    assert.equal(unknown.isOwnFault, true);
    assert.match(unknown.message, /^user no-such-user: there is no such user here/);
  });

  it('warns of a program that others may change, or refuses it', async () => {
    assert.equal((await check('exit 0')).warning, undefined);
    chmodSync(scripts.path('check'), 0o777);
    const path = scripts.path('check');
    const run = (more: object) => found(execCheck({ path, ...more }), contextOf('192.0.2.7', 1));
    const warning = `others may change the program ${path}: everybody may write to ${path}`;
    assert.deepEqual(await run({}), { passed: true, message: 'exit code 0', warning });
    assert.deepEqual((await run({ refuseUnsafe: true })).message, warning);
    chmodSync(path, 0o755);
    chmodSync(scripts.folder, 0o777);
    assert.match((await run({})).warning ?? '', /everybody may write to .*tunvs-scripts-\w+$/);
  });

  it('warns of a program that belongs to another user, through a link too', async function () {
    if (!isRoot) this.skip();
    mkdirSync(scripts.path('inner'));
    chownSync(scripts.path('inner'), NOBODY, NOBODY);
    const path = scripts.write('inner/check', 'exit 0');
    const run = (more: object) => found(execCheck({ path, ...more }), contextOf('192.0.2.7', 1));
    assert.match((await run({})).warning ?? '', new RegExp(`user ${NOBODY} owns .*inner$`));
    assert.equal((await run({ user: `${NOBODY}:${NOBODY}` })).warning, undefined);
  });

  it('knows who may change a file', () => {
    const entry = (mode: number, isDirectory = false, uid = 0, gid = 0) => ({
      uid,
      gid,
      mode,
      isDirectory: () => isDirectory,
    });
    assert.equal(changers('/x', entry(0o755), 0), undefined);
    assert.equal(changers('/x', entry(0o775), 0), undefined);
    assert.equal(changers('/x', entry(0o775, false, 0, 7), 0), 'group 7 may write to /x');
    assert.equal(changers('/x', entry(0o1777, true), 0), undefined);
    assert.equal(changers('/x', entry(0o1777), 0), 'everybody may write to /x');
    assert.equal(changers('/x', entry(0o755, false, 5), 5), undefined);
    assert.equal(changers('/x', entry(0o755, false, 5), 6), 'user 5 owns /x');
  });

  it('refuses options that no program can be given', () => {
    const mistakes: [object, string][] = [
      [{}, 'path'],
      [{ path: '' }, 'path'],
      [{ path: '/x', arguments: ['a\0'] }, 'arguments[0]'],
      [{ path: '/x', environment: { 'A=B': 'c' } }, 'environment'],
      [{ path: '/x', user: 'a b' }, 'user'],
    ];
    for (const [options, option] of mistakes)
      assert.throws(() => execCheck(options as ExecCheckOptions), { code: 'ERR_TUNVS_INVALID_ARGUMENT', option });
  });

  it('leaves nothing behind when its process exits or is killed', async function () {
    this.timeout(60_000);
    for (const end of ['SIGKILL', 'exit'] as const) {
      const path = scripts.write('family', `trap '' TERM HUP; sleep 1000 & echo $$ $! >${scripts.path(end)}; wait`);
      const program = `
        const { execCheck } = await import(${JSON.stringify(CHECK)});
        const service = { protocol: 'tcp', address: '192.0.2.1', port: 80 };
        const server = { address: '192.0.2.7', port: 80, service };
        execCheck({ path: ${JSON.stringify(path)} }).run({ server, signal: new AbortController().signal });
        process.stdin.once('data', () => process.exit(0));
      `;
      const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['pipe', 1, 2] });
      const pids = await scripts.numbers(end, 2);
      assert.ok(pids.every(runs));
      if (end === 'exit') child.stdin?.write('x');
      else child.kill(end);
      await untilEnded(...pids);
    }
  });
});

describe('the guardian of programs', () => {
  it('forgets groups that have ended, and is replaced when it is gone', async () => {
    const guardian = new Guardian();
    const group = () => spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
    const [first, second, third] = [group(), group(), group()];
    const pids = [first, second, third].map(({ pid }) => pid as number);
    try {
      for (const pid of pids) guardian.add(pid);
      guardian.remove(pids[1] as number);
      const before = guardian.pid as number;
      process.kill(before, 'SIGKILL');
      await eventuallyHolds(async () => assert.equal(guardian.pid, undefined));
      const last = group();
      pids.push(last.pid as number);
      guardian.add(last.pid as number);
      assert.notEqual(guardian.pid, before);
      guardian.close();
      await untilEnded(pids[0] as number, pids[2] as number, pids[3] as number);
      assert.ok(runs(pids[1] as number));
    } finally {
      for (const pid of pids) if (runs(pid)) process.kill(pid, 'SIGKILL');
    }
  });

  it('ends a program that it has been told of, but not of its group', async () => {
    const guardian = new Guardian();
    const one = (mark: object) =>
      spawn('sh', ['-c', 'sleep 1000 & wait'], { detached: true, stdio: 'ignore', env: { ...process.env, ...mark } });
    const before = one(guardian.starting());
    guardian.add(before.pid as number);
    guardian.remove(before.pid as number);
    const lost = one(guardian.starting());
    guardian.close();
    try {
      await untilEnded(lost.pid as number);
      assert.ok(runs(before.pid as number));
    } finally {
      for (const { pid } of [before, lost]) if (runs(pid as number)) process.kill(-(pid as number), 'SIGKILL');
    }
  });

  it('does without where there is no shell', async () => {
    const guardian = new Guardian('/nonexistent/sh');
    guardian.add(2 ** 30);
    await eventuallyHolds(async () => assert.equal(guardian.pid, undefined));
    guardian.remove(2 ** 30);
  });
});
