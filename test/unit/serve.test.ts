/** A director behind a door, with a stand-in for the application. */
import { strict as assert } from 'node:assert';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type App, type AppContext, appAttachment, serveApp } from '../../lib/control/serve.js';
import { runDaemon } from '../../lib/daemon/daemon.js';
import { Director } from '../../lib/director/director.js';
import { ask } from '../support/door-client.js';
import { eventually } from '../support/eventually.js';

/** An offline director has all that the door asks of one. */
const openDirector = () => Director.offline({ source: '10.2.0.2' }) as unknown as Director;

const makeApp = ({ director, session, name }: AppContext): App => ({
  fetch: (_, access) => Response.json([name, access, director.virtualServices.length, typeof session.execute]),
});

describe('a director behind a door', () => {
  let folder: string;
  let before: string | undefined;

  beforeEach(() => {
    folder = join(mkdtempSync(join(tmpdir(), 'tunvs-serve-')), 'run');
    before = process.env.TUNVS_RUNTIME_DIR;
    process.env.TUNVS_RUNTIME_DIR = folder;
  });

  afterEach(() => {
    delete process.env.TUNVS_RUNTIME_DIR;
    if (before !== undefined) process.env.TUNVS_RUNTIME_DIR = before;
    rmSync(join(folder, '..'), { recursive: true });
  });

  const get = async (name: string) => JSON.parse((await ask({ socketPath: join(folder, `${name}.sock`) })).body);

  it('is reached by its name, as are others of the host', async () => {
    const director = openDirector();
    const doors = [await serveApp(director, makeApp), await serveApp(director, makeApp, { name: 'blue-1' })];
    assert.deepEqual(doors[1]?.addresses, { socket: join(folder, 'blue-1.sock') });
    assert.deepEqual(await get('tunvs'), ['tunvs', 'write', 0, 'function']);
    assert.deepEqual(await get('blue-1'), ['blue-1', 'write', 0, 'function']);
    await assert.rejects(serveApp(director, makeApp), /a director named tunvs runs already \(pid \d+\)/);
    await doors[0]?.close();
    assert.ok(!existsSync(join(folder, 'tunvs.sock')));
    assert.equal((await get('blue-1'))[0], 'blue-1');
    await director.close();
  });

  it('takes the door with it when it closes', async () => {
    const director = openDirector();
    await serveApp(director, makeApp);
    await director.close();
    await eventually(
      async () => existsSync(join(folder, 'tunvs.sock')),
      (exists) => !exists,
      'the socket is gone',
    );
    await assert.rejects(serveApp(director, makeApp), { code: 'ERR_TUNVS_CLOSED' });
  });

  it('refuses a name that is no name of a file, and no place at all', async () => {
    const director = openDirector();
    for (const name of ['', '../x', '-x', 'a b', 'a.b', 'x'.repeat(32)])
      await assert.rejects(serveApp(director, makeApp, { name }), { option: 'name' }, name);
    await assert.rejects(serveApp(director, makeApp, { socket: false }), /give socket, http, or both/);
    await director.close();
  });

  it('is attached to a daemon, whose session the application shares, and listens from ready until the end', async () => {
    const stop = new AbortController();
    let seen: unknown;
    const asking = () => ({
      ready: async () => {
        seen = await get('tunvs');
        stop.abort();
      },
    });
    const open = async () => openDirector();
    await runDaemon({ open, begin() {}, attachments: [appAttachment(makeApp), asking] }, stop.signal);
    assert.deepEqual(seen, ['tunvs', 'write', 0, 'function']);
    await eventually(
      async () => existsSync(join(folder, 'tunvs.sock')),
      (exists) => !exists,
      'the socket is gone',
    );
  });
});
