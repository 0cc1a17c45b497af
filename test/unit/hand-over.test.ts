/** A folder that becomes a user's, and what the user may have put there before. */
import { strict as assert } from 'node:assert';
import {
  chownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { handOver } from '../../lib/daemon/hand-over.js';

const USER = { uid: 4711, gid: 4712 };

describe('a folder that is handed over to a user', () => {
  let root: string;
  let folder: string;
  const ownerOf = (path: string) => lstatSync(path).uid;
  const self = process.geteuid?.();

  beforeEach(function () {
    root = mkdtempSync(join(tmpdir(), 'tunvs-hand-'));
    folder = join(root, 'run');
    try {
      writeFileSync(join(root, 'probe'), '');
      chownSync(join(root, 'probe'), USER.uid, USER.gid);
    } catch {
      rmSync(root, { recursive: true });
      this.skip(); // only root of a namespace with these users can give anything away
    }
  });

  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('is made if it is missing, and goes over with the files, folders and sockets in it', async () => {
    handOver(folder, USER);
    mkdirSync(join(folder, 'book'));
    writeFileSync(join(folder, 'book', 'entry'), '');
    const server = createServer().listen(join(folder, 'a.sock'));
    await once(server, 'listening');
    handOver(folder, USER);
    for (const name of ['', 'book', 'book/entry', 'a.sock']) assert.equal(ownerOf(join(folder, name)), USER.uid, name);
    assert.equal(statSync(folder).gid, USER.gid);
    server.close();
  });

  it('takes nothing along that a link in it leads to, nor a file that has another name elsewhere', () => {
    const outside = join(root, 'etc');
    mkdirSync(join(outside, 'deeper'), { recursive: true });
    writeFileSync(join(outside, 'passwd'), '');
    writeFileSync(join(outside, 'deeper', 'shadow'), '');
    mkdirSync(folder);
    symlinkSync(outside, join(folder, 'book'));
    symlinkSync(join(outside, 'passwd'), join(folder, 'a.lock'));
    linkSync(join(outside, 'passwd'), join(folder, 'b.lock'));
    handOver(folder, USER);
    for (const name of ['', 'passwd', 'deeper', 'deeper/shadow'])
      assert.equal(ownerOf(join(outside, name)), self, name);
    assert.equal(ownerOf(folder), USER.uid);
  });

  it('is refused where it is a link itself', () => {
    const outside = join(root, 'etc');
    mkdirSync(outside);
    symlinkSync(outside, folder);
    assert.throws(() => handOver(folder, USER), { code: 'ERR_TUNVS_PERMISSION', message: /no link/ });
    assert.equal(ownerOf(outside), self);
  });
});
