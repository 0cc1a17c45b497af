/** What tunvsadm says to a user who may not, and of other failures of a connection. */
import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import { chmodSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { connectFailure } from '../../lib/adm/failure.js';
import { ADM, finished } from '../support/tunvsadm.js';
import { AdmServer, says } from '../support/tunvsadm-server.js';

const NOBODY = 65_534;

/** Whether another user may run the program where this checkout lies. */
function mayOthersRun(): boolean {
  for (let path = ADM; path !== '/'; path = dirname(path)) {
    if ((statSync(path).mode & 0o005) !== 0o005) return false;
  }
  return true;
}

describe('tunvsadm of another user', () => {
  it('says who may', async function () {
    if (process.getuid?.() !== 0 || !mayOthersRun()) {
      console.log('        only root can become another user, and only in a folder that others may read');
      this.skip();
    }
    const server = await AdmServer.open(says('secret\n'));
    try {
      for (const path of [dirname(server.socket), server.socket]) {
        chmodSync(dirname(server.socket), path === server.socket ? 0o755 : 0o700);
        chmodSync(server.socket, 0o600);
        const child = spawn(process.execPath, [ADM, '-Ln'], {
          // What it covers cannot be written by that user.
          env: { ...process.env, TUNVS_SOCKET: server.socket, NODE_V8_COVERAGE: undefined },
          uid: NOBODY,
          gid: NOBODY,
        });
        child.stdin.end();
        const { stdout, stderr, status } = await finished(child);
        assert.equal(stdout, '');
        assert.equal(
          stderr,
          `tunvsadm: this user may not use ${server.socket}: root, the daemon's user and members of the daemon's --control-group may\n`,
        );
        assert.equal(status, 1);
      }
      assert.deepEqual(server.requests, []);
    } finally {
      await server.dispose();
    }
  });
});

describe('a connection that fails', () => {
  for (const code of ['ENOENT', 'ENOTDIR', 'ECONNREFUSED', 'EACCES', 'EPERM', 'ENOTSOCK', 'EPROTOTYPE', 'EINVAL']) {
    it(`is one sentence with its mend: ${code}`, () => {
      const { message } = connectFailure('/nowhere/x.sock', Object.assign(new Error(), { code }));
      assert.match(message, /^[^\n]*\/nowhere\/x\.sock[^\n]*: [^\n]+$/);
    });
  }
  it('names the error that it does not know', () => {
    assert.match(connectFailure('/x', Object.assign(new Error(), { code: 'EMFILE' })).message, /\(EMFILE\): name/);
  });
});
