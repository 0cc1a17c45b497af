/** The verbs that ask a running director find its socket, and say what to do when nobody answers there. */
import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { askDaemon } from '../../lib/cli/daemon-client.js';
import { serveControl } from '../../lib/control/index.js';
import { Director } from '../../lib/director/director.js';

describe('a verb that asks a running director', () => {
  let folder: string;
  const given = process.env.TUNVS_SOCKET;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tunvs-client-'));
    delete process.env.TUNVS_SOCKET;
  });

  afterEach(() => {
    if (given === undefined) delete process.env.TUNVS_SOCKET;
    else process.env.TUNVS_SOCKET = given;
    rmSync(folder, { recursive: true });
  });

  it('finds the socket that the command line names, or else the environment', async () => {
    await using director = Director.offline({ source: '10.2.0.2' });
    const socket = join(folder, 'web.sock');
    const door = await serveControl(director, { socket: { path: socket } });
    try {
      const services = (where: object) => askDaemon(where, (client) => client.services.list());
      assert.deepEqual((await services({ socket })).services, []);
      process.env.TUNVS_SOCKET = socket;
      assert.deepEqual((await services({})).services, []);
      await assert.rejects(services({ name: 'nobody' }), /nobody\.sock/);
    } finally {
      await door.close();
    }
  });

  it('says what to do where nobody answers, nobody answers any more, or nobody ever could', async () => {
    const left = join(folder, 'left.sock');
    const code = `require('net').createServer().listen(${JSON.stringify(left)}, () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', code]);
    const file = join(folder, 'file');
    writeFileSync(file, '');
    for (const socket of [join(folder, 'none.sock'), left, file])
      await assert.rejects(
        askDaemon({ socket }, (client) => client.services.list()),
        (error: Error & { code: string }) =>
          error.code === 'ERR_TUNVS_NOT_FOUND' &&
          error.message.startsWith(`no director answers at ${socket}: start one with "tunvs run"`),
        socket,
      );
  });

  it('hands on what the director refuses, as it is', async () => {
    await using director = Director.offline({ source: '10.2.0.2' });
    const socket = join(folder, 'web.sock');
    const door = await serveControl(director, { socket: { path: socket } });
    try {
      const asked = askDaemon({ socket }, (client) => client.services.get('tcp:192.0.2.1:80'));
      await assert.rejects(asked, { code: 'ERR_TUNVS_NOT_FOUND', message: /192\.0\.2\.1:80/ });
    } finally {
      await door.close();
    }
  });
});
