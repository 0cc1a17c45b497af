/** Who may use a control socket, tried as other users; only root can try. */
import { strict as assert } from 'node:assert';
import { type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, lstatSync } from 'node:fs';
import { join } from 'node:path';
import { Doors } from '../support/door-client.js';

const NOBODY = 65534;
/** Numbers that belong to nobody on most hosts. */
const GROUP = 64321;
const USER = 64322;

const CLIENT = `
  require('node:http').get({ socketPath: process.argv[1], path: '/' }, (answer) => {
    let text = '';
    answer.on('data', (chunk) => { text += chunk; }).on('end', () => console.log(answer.statusCode + ' ' + text));
  }).on('error', ({ code }) => console.log(code));
`;

describe('a control socket', () => {
  let doors: Doors;

  before(function () {
    if (process.getuid?.() !== 0) this.skip();
  });

  beforeEach(() => {
    doors = new Doors();
    // The folder is the one thing that the test, not the door, has made.
    chmodSync(doors.folder, 0o711);
  });

  afterEach(async () => {
    await doors.dispose();
  });

  async function run(command: string[], options: SpawnOptions): Promise<string> {
    const [program = '', ...words] = command;
    const child = spawn(program, words, { ...options, stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout?.on('data', (chunk) => {
      text += chunk;
    });
    await once(child, 'close');
    return text.trim();
  }

  const askAs = (uid: number, gid: number, path = doors.path) =>
    run([process.execPath, '-e', CLIENT, path], { uid, gid, cwd: '/' });

  it('without a group is root’s and this user’s', async () => {
    await doors.open();
    assert.equal(await askAs(0, 0), '200 write');
    assert.equal(await askAs(NOBODY, NOBODY), 'EACCES');
    assert.equal(await askAs(USER, 0), 'EACCES');
  });

  it('checks the user even when somebody has opened the file to all', async () => {
    await doors.open();
    chmodSync(doors.path, 0o777);
    assert.match(await askAs(NOBODY, NOBODY), /^403 .*user 65534 may not use this control socket: root, user 0 may/);
    assert.match(await askAs(USER, 0), /^403 /);
    assert.equal(await askAs(0, 0), '200 write');
  });

  it('with a group is its members’ too, whether it is their first group or another', async () => {
    const path = join(doors.folder, 'run', 'web.sock');
    await doors.open({ socket: { path, group: GROUP } });
    assert.equal(lstatSync(path).mode & 0o7777, 0o660);
    assert.equal(lstatSync(path).gid, GROUP);
    assert.equal(await askAs(USER, GROUP, path), '200 write');
    const member = ['setpriv', `--reuid=${USER}`, `--regid=${USER}`, `--groups=1,${GROUP}`];
    assert.equal(await run([...member, process.execPath, '-e', CLIENT, path], { cwd: '/' }), '200 write');
    assert.equal(await askAs(USER, USER, path), 'EACCES');
    chmodSync(path, 0o666);
    assert.match(await askAs(USER, USER, path), /^403 .*and members of group 64321 may/);
  });

  it('is the user’s whose process opened it, and root’s', async () => {
    const folder = join(doors.folder, 'run');
    const holder = new URL('../support/programs/door-holder.js', import.meta.url).pathname;
    chmodSync(doors.folder, 0o1777);
    const child = spawn(process.execPath, [holder, join(folder, 'web.sock')], {
      uid: USER,
      gid: USER,
      cwd: '/',
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    try {
      assert.equal(await askAs(USER, USER, join(folder, 'web.sock')), '200 held');
      assert.equal(await askAs(0, 0, join(folder, 'web.sock')), '200 held');
      assert.equal(await askAs(NOBODY, NOBODY, join(folder, 'web.sock')), 'EACCES');
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  });
});
