/** Who is at the other end of a unix socket. */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { native } from '../../lib/native/addon.js';

describe('the credentials of a peer', () => {
  it('are this process itself where it connects to itself', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tunvs-peer-'));
    const server = createServer().listen(join(folder, 'socket'));
    await once(server, 'listening');
    const client = connect(join(folder, 'socket'));
    const [accepted] = (await once(server, 'connection')) as [Socket];
    try {
      const { fd } = (accepted as unknown as { _handle: { fd: number } })._handle;
      const { uid, gid, pid, groups } = native.peerCredentials(fd);
      assert.deepEqual([uid, gid, pid], [process.geteuid?.(), process.getegid?.(), process.pid]);
      // getgroups() of Node puts the effective group among them.
      assert.deepEqual(new Set([...groups, gid]), new Set([...(process.getgroups?.() ?? []), gid]));
    } finally {
      client.destroy();
      server.close();
      rmSync(folder, { recursive: true });
    }
  });

  it('are refused for what is no socket', () => {
    assert.throws(() => native.peerCredentials(-1), { code: 'ERR_TUNVS_SYSTEM', syscall: 'getsockopt' });
    assert.throws(() => native.peerCredentials('0' as never), { code: 'ERR_TUNVS_INVALID_ARGUMENT' });
  });
});
