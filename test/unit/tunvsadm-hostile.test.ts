/** tunvsadm at a socket that is no daemon's: root may have been led to it. */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { readCall } from '../../lib/adm/call.js';
import { adm, admFolder, startAdm } from '../support/tunvsadm.js';

const HOSTILE = '\x1b]0;x\x07\u009b2J';
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
const OBEYED = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/;
const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n\r\n';

describe('tunvsadm at the socket of somebody else', () => {
  let folder: string;
  let server: Server;
  const sockets = new Set<Socket>();

  beforeEach(() => {
    folder = admFolder();
  });

  afterEach(async () => {
    for (const each of sockets) each.destroy();
    server.close();
    await once(server, 'close');
    rmSync(folder, { recursive: true });
  });

  async function answering(answer: (socket: Socket) => void): Promise<string> {
    const path = join(folder, 'd.sock');
    server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.once('data', () => answer(socket));
    }).listen(path);
    await once(server, 'listening');
    return path;
  }

  /** As fast as it is read, until the client has gone. */
  function withoutEnd(socket: Socket, part: string): void {
    const more = () => {
      while (!socket.destroyed && socket.write(part));
    };
    socket.on('drain', more);
    more();
  }

  it('prints what a terminal shows, and nothing that it obeys', async () => {
    const pieces = [{ out: `a\t${HOSTILE}\n` }, { err: `${HOSTILE}\n` }, { exit: 0 }];
    const socket = await answering((client) => {
      client.end(`${HEAD}${pieces.map((piece) => `${JSON.stringify(piece)}\n`).join('')}`);
    });
    const { stdout, stderr, status } = await adm(folder, ['-Ln'], { socket });
    assert.equal(stdout, 'a\t\\u001b]0;x\\u0007\\u009b2J\n');
    assert.equal(stderr, '\\u001b]0;x\\u0007\\u009b2J\n');
    assert.equal(status, 0);
  });

  it('shows a refusal, and the names of other sockets, in the same way', async () => {
    const problem = JSON.stringify({ detail: HOSTILE });
    const socket = await answering((client) => {
      client.end(`HTTP/1.1 500 No\r\nContent-Length: ${Buffer.byteLength(problem)}\r\n\r\n${problem}`);
    });
    writeFileSync(join(folder, `${HOSTILE}.sock`), '');
    for (const path of [socket, join(folder, 'none.sock')]) {
      const { stderr, status } = await adm(folder, ['-Ln'], { socket: path });
      assert.match(stderr, /\\u001b\]0;x/);
      assert.doesNotMatch(stderr, OBEYED);
      assert.equal(status, 1);
    }
  });

  for (const [what, head, part] of [
    ['a line', HEAD, 'x'.repeat(65536)],
    ['headers', 'HTTP/1.1 200 OK\r\n', 'X-More: x\r\n'.repeat(1000)],
    ['a refusal', 'HTTP/1.1 500 No\r\n\r\n', 'x'.repeat(65536)],
  ] as const)
    it(`ends soon where ${what} has no end`, async () => {
      const socket = await answering((client) => {
        client.write(head);
        withoutEnd(client, part);
      });
      const { stderr, status } = await adm(folder, ['-Ln'], { socket });
      assert.match(stderr, /does not answer as a tunvs daemon/);
      assert.equal(status, 1);
    });

  it('holds no more than a listing where one that is watched has no end', async () => {
    const socket = await answering((client) => {
      client.write(HEAD);
      withoutEnd(client, `${JSON.stringify({ out: 'x'.repeat(4 * 2 ** 20) })}\n`);
    });
    const child = startAdm(folder, ['-Ln', '--watch'], { socket });
    let printed = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      printed += chunk.length;
    });
    const [said] = await once(child.stderr, 'data');
    child.kill();
    await once(child, 'close');
    assert.match(`${said}`, /does not answer as a tunvs daemon/);
    assert.equal(printed, 0);
  }).timeout(60_000);
});

describe('the socket that tunvsadm asks', () => {
  const socketOf = (args: string[], env: NodeJS.ProcessEnv) => readCall('tunvsadm', args, env).socket;

  it('is in the folder of the daemon, unless it is named', () => {
    assert.equal(socketOf([], {}), '/run/tunvs/tunvs.sock');
    assert.equal(socketOf([], { TUNVS_RUNTIME_DIR: '/run/blue' }), '/run/blue/tunvs.sock');
    assert.equal(socketOf(['--name', 'web'], { TUNVS_RUNTIME_DIR: '/run/blue' }), '/run/blue/web.sock');
    assert.equal(socketOf([], { TUNVS_RUNTIME_DIR: '/run/blue', TUNVS_SOCKET: '/a.sock' }), '/a.sock');
    assert.throws(() => socketOf(['--name', '../web'], {}), /is not a daemon's name/);
  });
});
