/** A daemon among others: its name, its service manager, its watchdog, its user. */
import { strict as assert } from 'node:assert';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDaemonName } from '../../lib/daemon/daemon-name.js';
import { takeName } from '../../lib/daemon/name.js';
import { serviceManager } from '../../lib/daemon/service-manager.js';
import { handOver } from '../../lib/daemon/hand-over.js';
import { userIds } from '../../lib/daemon/user.js';
import { Feeding } from '../../lib/daemon/watchdog.js';

describe("a daemon's name", () => {
  let folder: string;
  const before = process.env.TUNVS_RUNTIME_DIR;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tunvs-name-'));
    process.env.TUNVS_RUNTIME_DIR = folder;
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
    if (before === undefined) delete process.env.TUNVS_RUNTIME_DIR;
    else process.env.TUNVS_RUNTIME_DIR = before;
  });

  it('is refused to a second daemon, with the process that has it and the mend', () => {
    const first = takeName('web', true);
    assert.throws(() => takeName('web', false), {
      code: 'ERR_TUNVS_BUSY',
      message: `a daemon with the name web runs already (process ${process.pid}): end it, or give this one another name with --name`,
    });
    const other = takeName('mail', true);
    first.release();
    first.release();
    assert.equal(existsSync(join(folder, 'web.lock')), false);
    takeName('web', true).release();
    other.release();
  });

  it('is free when a killed daemon or a file has it', async () => {
    const module = JSON.stringify(new URL('../../lib/daemon/name.js', import.meta.url).href);
    const program = `(await import(${module})).takeName('web', true); console.log('taken'); setInterval(() => {}, 1000);`;
    const child: ChildProcess = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout as NodeJS.ReadableStream, 'data');
    assert.throws(() => takeName('web', true), new RegExp(`process ${child.pid}`));
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.equal(existsSync(join(folder, 'web.lock')), true);
    takeName('web', true).release();
    writeFileSync(join(folder, 'mail.lock'), 'what is this');
    takeName('mail', true).release();
  });

  it('that was chosen has to be had, and the default is no condition', () => {
    process.env.TUNVS_RUNTIME_DIR = '/proc/tunvs';
    takeName('tunvs', false).release();
    assert.throws(() => takeName('web', true), { code: 'ERR_TUNVS_PERMISSION', message: /TUNVS_RUNTIME_DIR/ });
  });

  it('is a word that can be a file', () => {
    for (const name of ['web', 'A-1_x', '0', 'x'.repeat(31)]) assert.ok(isDaemonName(name), name);
    for (const name of ['', '.', '..', 'a/b', '-a', 'a b', 'ä', 'x'.repeat(32)]) assert.ok(!isDaemonName(name), name);
  });
});

describe('a service manager', () => {
  const managed = (environment: Record<string, string>) => {
    const sent: string[] = [];
    const given = { NOTIFY_SOCKET: '@notify', ...environment };
    const send = (path: string, text: string) => {
      assert.equal(path, '@notify');
      sent.push(text);
    };
    return { manager: serviceManager(given, { send, nowUs: () => 42n, pid: 7 }), sent, given };
  };

  it('hears of each state, in lines of its own', () => {
    const { manager, sent, given } = managed({});
    assert.deepEqual(given, {});
    manager.ready('2\nservices');
    manager.reloading();
    manager.status('x');
    manager.watchdog();
    manager.stopping();
    assert.deepEqual(sent, [
      'READY=1\nMAINPID=7\nSTATUS=2 services',
      'RELOADING=1\nMONOTONIC_USEC=42',
      'STATUS=x',
      'WATCHDOG=1',
      'STOPPING=1\nSTATUS=stopping',
    ]);
  });

  it('that does not listen, or is not there, is no failure', () => {
    serviceManager({ NOTIFY_SOCKET: '/nonexistent/notify' }).ready('x');
    serviceManager({}).ready('x');
  });

  it('has a watchdog for the process that it has named', () => {
    assert.equal(managed({}).manager.watchdogMs, undefined);
    assert.equal(managed({ WATCHDOG_USEC: '3000000' }).manager.watchdogMs, 3000);
    assert.equal(managed({ WATCHDOG_USEC: '3000000', WATCHDOG_PID: '7' }).manager.watchdogMs, 3000);
    assert.equal(managed({ WATCHDOG_USEC: '3000000', WATCHDOG_PID: '8' }).manager.watchdogMs, undefined);
    assert.equal(managed({ WATCHDOG_USEC: 'x' }).manager.watchdogMs, undefined);
  });
});

describe('a watchdog', () => {
  it('is fed while every worker moves, and not while one is held', () => {
    let moves = [true, true];
    let meals = 0;
    const said: string[] = [];
    const say = (event: string) => said.push(event);
    const feeding = new Feeding(
      { workersTurned: () => moves },
      { watchdog: () => (meals += 1) },
      { error: say, info: say },
    );
    const look = (times: number) => {
      for (let i = 0; i < times; i++) feeding.look();
    };
    look(8);
    assert.equal(meals, 2);
    moves = [true, false];
    look(12);
    assert.equal(meals, 2);
    assert.deepEqual(said, ['workerHeld']);
    // One answer between two meals is enough: a worker may be busy for a while.
    moves = [true, true];
    look(1);
    moves = [false, false];
    look(3);
    assert.equal(meals, 3);
    assert.deepEqual(said, ['workerHeld', 'workerMoves']);
  });
});

describe('--user', () => {
  const accounts = {
    passwd: 'root:x:0:0::/root:/bin/sh\nlvs:x:120:130::/:/usr/sbin/nologin\n',
    group: 'root:x:0:\nlvs:x:130:\nadm:x:4:syslog,lvs\n',
  };

  it('takes names and numbers, and the groups of a user who comes without one', () => {
    assert.deepEqual(userIds('lvs', accounts), { uid: 120, gid: 130, groups: [130, 4] });
    assert.deepEqual(userIds('lvs:adm', accounts), { uid: 120, gid: 4, groups: [4] });
    assert.deepEqual(userIds('120', accounts), { uid: 120, gid: 130, groups: [130, 4] });
    assert.deepEqual(userIds('65000:65001', accounts), { uid: 65000, gid: 65001, groups: [65001] });
  });

  it('refuses root and whoever is not there', () => {
    for (const [given, why] of [
      ['root', /this is root/],
      ['0:0', /this is root/],
      ['nobody-here', /no such user/],
      ['lvs:nobody-here', /no such group/],
      ['65000', /no such group/],
      ['', /no such user/],
      ['a:b:c', /no such user/],
    ] as const) {
      assert.throws(() => userIds(given, accounts), { code: 'ERR_TUNVS_INVALID_ARGUMENT', message: why }, given);
    }
  });

  it('gives away what lies in the runtime folder, and nothing that a link there leads to', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tunvs-user-'));
    try {
      for (const each of ['run', 'run/held', 'etc']) mkdirSync(join(folder, each));
      const [inside, outside] = [join(folder, 'run/held/note'), join(folder, 'etc/passwd')];
      for (const file of [inside, outside]) writeFileSync(file, '');
      symlinkSync(join(folder, 'etc'), join(folder, 'run/link'));
      symlinkSync(outside, join(folder, 'run/held/link'));
      // The kernel notes the time of a change of the owner, to the same one as well.
      const changed = (file: string) => statSync(file, { bigint: true }).ctimeNs;
      const [insideBefore, outsideBefore] = [changed(inside), changed(outside)];
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
      handOver(join(folder, 'run'), { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 });
      assert.ok(changed(inside) > insideBefore);
      assert.equal(changed(outside), outsideBefore);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
