/** The unix socket of a control server: its file, its mode, and who else may be there. */
import { strict as assert } from 'node:assert';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { listenAt } from '../../lib/control/door/socket-file.js';
import { prepareFolder } from '../../lib/control/door/socket-folder.js';
import { ask, Doors } from '../support/door-client.js';
import { eventually } from '../support/eventually.js';

const HOLDER = new URL('../support/programs/door-holder.js', import.meta.url).pathname;

/** Looks all the time, and tells which modes the file had. */
const ONLOOKER = `
  const { parentPort, workerData: { path, stop } } = require('node:worker_threads');
  const { lstatSync } = require('node:fs');
  const modes = new Set();
  while (Atomics.load(stop, 0) === 0) {
    const status = lstatSync(path, { throwIfNoEntry: false });
    if (!status) continue;
    modes.add(status.mode & 0o7777);
    Atomics.add(stop, 1, 1);
  }
  parentPort.postMessage([...modes]);
`;

describe('the socket of a door', () => {
  let doors: Doors;

  beforeEach(() => {
    doors = new Doors();
  });

  afterEach(async () => {
    await doors.dispose();
  });

  const modeOf = (path: string) => lstatSync(path).mode & 0o7777;
  const hello = async (path = doors.path) => (await ask({ socketPath: path })).body;

  it('is answered at, for reading and writing, is this user’s alone, and is gone at the end', async () => {
    const door = await doors.open();
    assert.deepEqual(door.addresses, { socket: doors.path });
    assert.equal(await hello(), 'write');
    assert.equal(modeOf(doors.path), 0o600);
    assert.deepEqual(readdirSync(doors.folder), ['web.sock']);
    await door.close();
    await door.close();
    assert.deepEqual(readdirSync(doors.folder), []);
  });

  it('has its mode from the first moment, whatever the umask', async () => {
    const before = process.umask(0);
    const stop = new Int32Array(new SharedArrayBuffer(8));
    const onlooker = new Worker(ONLOOKER, { eval: true, workerData: { path: doors.path, stop } });
    const seen = once(onlooker, 'message');
    await once(onlooker, 'online');
    try {
      // A busy machine may let nobody look for a while.
      for (let round = 0; round < 50 || Atomics.load(stop, 1) === 0; round++) await (await doors.open()).close();
    } finally {
      process.umask(before);
      Atomics.store(stop, 0, 1);
    }
    assert.deepEqual(await seen, [[0o600]]);
  });

  it('may lie as deep as the path of a socket may be long, and no deeper', async () => {
    const pathOf = (bytes: number) => join(doors.folder, 'x'.repeat(bytes - doors.folder.length - 1));
    await doors.open({ socket: { path: pathOf(107) } });
    assert.equal(await hello(pathOf(107)), 'write');
    await assert.rejects(doors.open({ socket: { path: pathOf(108) } }), {
      code: 'ERR_TUNVS_INVALID_ARGUMENT',
      message: /has 108 bytes, and the path of a unix socket has at most 107: choose a shorter one/,
    });
  });

  it('replaces what a killed process left, and only that', async () => {
    const child = await startHolder(doors.path);
    await assert.rejects(doors.open(), {
      code: 'ERR_TUNVS_BUSY',
      message: new RegExp(`a director named web runs already \\(pid ${child.pid}\\)`),
    });
    assert.equal(await hello(), 'held');
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.ok(lstatSync(doors.path).isSocket(), 'nothing was left behind');
    await doors.open();
    assert.equal(await hello(), 'write');
  });

  it('is opened by one of many that start at once', async () => {
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => doors.open()));
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
    for (const result of results) if (result.status === 'rejected') assert.match(result.reason.message, /runs already/);
    assert.equal(await hello(), 'write');
  });

  it('takes the place of nothing else: a folder, a file, a link stay as they are', async () => {
    const others = { folder: () => mkdirSync(doors.path), 'not a socket': () => writeFileSync(doors.path, 'precious') };
    for (const [what, make] of Object.entries({ ...others, link: () => symlinkSync('/nowhere', doors.path) })) {
      make();
      await assert.rejects(doors.open(), new RegExp(`is ${what === 'not a socket' ? what : `a ${what}`}, and is left`));
      lstatSync(doors.path);
      rmSync(doors.path, { recursive: true });
    }
  });

  it('makes its folder, but not the folders above it, and refuses one that anybody may write to', async () => {
    const path = join(doors.folder, 'run', 'web.sock');
    await doors.open({ socket: { path } });
    assert.equal(modeOf(join(doors.folder, 'run')), 0o700);
    const deep = join(doors.folder, 'a', 'b', 'web.sock');
    await assert.rejects(doors.open({ socket: { path: deep } }), /make the folder above it first/);
    const open = join(doors.folder, 'open');
    mkdirSync(open);
    chmodSync(open, 0o777);
    await assert.rejects(
      doors.open({ socket: { path: join(open, 'web.sock') } }),
      /anybody may write to it: chmod o-w/,
    );
  });

  it('changes no other file while somebody moves what is in the folder', async () => {
    const victim = join(doors.folder, 'victim');
    writeFileSync(victim, '');
    chmodSync(victim, 0o644);
    const server = createHttpServer();
    server.prependOnceListener('listening', () => {
      const nest = readdirSync(doors.folder).find((name) => name.startsWith('.tunvs-')) as string;
      renameSync(join(doors.folder, nest), join(doors.folder, 'moved'));
      mkdirSync(join(doors.folder, nest));
      symlinkSync(victim, join(doors.folder, nest, 'socket'));
    });
    const file = await listenAt(server, doors.path, { group: process.getegid?.(), name: 'web' });
    assert.equal(modeOf(victim), 0o644);
    assert.equal(modeOf(doors.path), 0o660);
    file.remove();
    server.close();
  });

  it('lies in a folder of another user with a warning, because that user can replace it', async function () {
    const folder = join(doors.folder, 'other');
    mkdirSync(folder);
    try {
      chownSync(folder, 4711, 4711);
    } catch {
      this.skip(); // only root of a namespace with this user can give anything away
    }
    assert.match(prepareFolder(folder, false) ?? '', /is user 4711's, who can put another socket/);
    assert.equal(prepareFolder(doors.folder, false), undefined);
  });

  it('is made again when somebody has deleted it, and its folder, and this is said once', async () => {
    const path = join(doors.folder, 'run', 'web.sock');
    const door = await doors.open({ socket: { path } });
    rmSync(join(doors.folder, 'run'), { recursive: true });
    await eventually(async () => existsSync(path), Boolean, 'the socket is there again');
    assert.equal(await hello(path), 'write');
    assert.equal(doors.said.filter((line) => line.includes('it is made again')).length, 1);
    await door.close();
    assert.ok(!existsSync(path));
  });

  it('stays what others have made of it', async () => {
    const door = await doors.open();
    rmSync(doors.path);
    const other = createServer().listen(doors.path);
    await once(other, 'listening');
    await eventually(
      async () => doors.said,
      (said) => said.some((line) => /something else now/.test(line)),
      'it is said',
    );
    await door.close();
    assert.ok(lstatSync(doors.path).isSocket());
    other.close();
  });

  it('needs a place, a path and a group that there is', async () => {
    await assert.rejects(doors.open({ socket: { path: '' } }), { option: 'socket.path' });
    await assert.rejects(doors.open({ socket: { path: doors.path, group: 'no-such-group' } }), {
      option: 'socket.group',
      message: /there is no group no-such-group: make it by "groupadd/,
    });
    await assert.rejects(doors.open({ socket: { path: doors.path, group: 1.5 } }), { option: 'socket.group' });
    await assert.rejects(doors.open({ socket: { path: doors.path }, limits: { clients: 0 } }), {
      option: 'limits.clients',
    });
    await assert.rejects(doors.open({ socket: { path: doors.path, mode: 1 } as never }), { option: 'mode' });
  });

  async function startHolder(path: string): Promise<ChildProcess> {
    const child = spawn(process.execPath, [HOLDER, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout as NodeJS.ReadableStream, 'data');
    return child;
  }
});
