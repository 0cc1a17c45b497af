/** tunvsadm, over a daemon that a test puts in place. */
import { strict as assert } from 'node:assert';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createNetServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { AdmServer, says } from '../support/tunvsadm-server.js';
import { ADM, adm, admFolder, finished, startAdm } from '../support/tunvsadm.js';

describe('tunvsadm', () => {
  let folder: string;
  let server: AdmServer;
  const ask = (args: string[], options = {}) => adm(folder, args, { socket: server.socket, ...options });

  before(() => {
    folder = admFolder();
  });

  beforeEach(async () => {
    server = await AdmServer.open(says(''));
  });

  afterEach(() => server.dispose());
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('prints what the daemon answers, on the stream that it says, and exits with its code', async () => {
    server.execute = async function* () {
      yield { out: 'Prot LocalAddress:Port\n' };
      yield { err: 'Memory allocation problem\n' };
      yield { out: 'ä\u2028"\n' };
      yield { exit: 255 };
    };
    assert.deepEqual(await ask(['-Ln']), {
      stdout: 'Prot LocalAddress:Port\nä\u2028"\n',
      stderr: 'Memory allocation problem\n',
      status: 255,
    });
    assert.deepEqual(server.requests, [{ argv: ['-Ln'], stdin: '' }]);
  });

  it('sends the words as they are, but for those that choose the daemon', async () => {
    const words = ['-a', '-t', '[2001:db8::1]:80', '-r', "it's", '--', '--name', 'x'];
    await ask([...words.slice(0, 3), `--socket=${server.socket}`, ...words.slice(3)], { socket: '/nowhere' });
    await ask([]);
    assert.deepEqual(
      server.requests.map(({ argv }) => argv),
      [words, []],
    );
  });

  it('is ipvsadm, ipvsadm-save and ipvsadm-restore under their names', async () => {
    await ask(['-Ln'], { name: 'ipvsadm' });
    await ask(['-n'], { name: 'ipvsadm-save' });
    await ask([], { name: 'ipvsadm-restore', stdin: '-A -t 192.0.2.1:80\n' });
    assert.deepEqual(server.requests, [
      { argv: ['-Ln'], stdin: '' },
      { argv: ['-S', '-n'], stdin: '' },
      { argv: ['-R', '--replace'], stdin: '-A -t 192.0.2.1:80\n' },
    ]);
    const { stderr } = await adm(folder, ['-Ln'], { name: 'ipvsadm', socket: '/nowhere' });
    assert.match(stderr, /^ipvsadm: no daemon/);
  });

  it('reads standard input for -R alone', async () => {
    for (const words of [['-R'], ['--restore', '--sort'], ['-R', '--replace']]) await ask(words, { stdin: '-C\n' });
    for (const words of [['-Ln'], ['-R', '-t', '192.0.2.1:80'], ['-C']]) await ask(words, { stdin: 'not read' });
    assert.deepEqual(
      server.requests.map(({ stdin }) => stdin),
      ['-C\n', '-C\n', '-C\n', '', '', ''],
    );
  });

  it('sends rules of many megabytes, characters of several bytes and control characters whole', async () => {
    const rules = `# ${'ä€😀"\\\u0001\t'.repeat(10)}\n`.repeat(60_000);
    await ask(['-R'], { stdin: rules });
    assert(server.requests[0]?.stdin === rules);
  });

  it('does not keep the daemon waiting for rules that are still being written', async () => {
    const child = startAdm(folder, ['-R'], { socket: server.socket });
    child.stdin.write('-C\n');
    await setTimeout(500);
    assert.equal(server.connections, 0);
    child.stdin.end('-Z\n');
    assert.equal((await finished(child)).status, 0);
    assert.deepEqual(server.requests, [{ argv: ['-R'], stdin: '-C\n-Z\n' }]);
  });

  it('says before it reads rules that there is no daemon for them', async () => {
    const child = startAdm(folder, ['-R'], { socket: '/nowhere' });
    const { stderr, status } = await finished(child);
    assert.match(stderr, /^tunvsadm: no daemon listens on \/nowhere: /);
    assert.equal(status, 1);
  });

  it('refuses rules of more than 64 MiB', async () => {
    const file = join(folder, 'rules');
    writeFileSync(file, '');
    truncateSync(file, 64 * 1024 * 1024 + 1);
    const { stderr, status } = await finished(startShell(`"${ADM}" -R < "${file}"`, server.socket));
    assert.deepEqual([stderr, status], ['tunvsadm: the rules are longer than 64 MiB: restore them in parts\n', 1]);
    assert.deepEqual(server.requests, []);
  });

  it('answers --help and --version without a daemon, under each name', async () => {
    for (const name of ['tunvsadm', 'ipvsadm', 'ipvsadm-save', 'ipvsadm-restore']) {
      for (const word of ['--help', '-h']) {
        const { stdout, status } = await adm(folder, [word], { name, socket: '/nowhere' });
        assert.equal(status, 0);
        assert(stdout.startsWith(`usage: ${name}`), stdout);
        assert(stdout.split('\n').every((line) => line.length <= 80));
      }
      const { stdout } = await adm(folder, ['--version'], { name, socket: '/nowhere' });
      assert.match(stdout, name === 'tunvsadm' ? /^tunvsadm \d+\.\d+\.\d+/ : /^ipvsadm v1\.31 /);
    }
  });

  describe('without an answer', () => {
    const problem = async (status: number, body: string) => {
      const door = createServer((_, response) => response.writeHead(status).end(body));
      const socket = join(folder, 'problem.sock');
      door.listen(socket);
      await once(door, 'listening');
      try {
        return await adm(folder, ['-R'], { socket, stdin: '-C\n' });
      } finally {
        door.close();
      }
    };

    it('says that no daemon listens, and which others do', async () => {
      const socket = join(dirname(server.socket), 'other.sock');
      const { stdout, stderr, status } = await adm(folder, ['-Ln'], { socket });
      assert.equal(status, 1);
      assert.equal(stdout, '');
      assert.equal(
        stderr,
        `tunvsadm: no daemon listens on ${socket}: start it with "tunvs run --source ADDRESS", or name another with --name (there is d)\n`,
      );
    });

    it('says it of a socket that a dead daemon has left, and of a file that is none', async () => {
      const socket = join(folder, 'left.sock');
      const code = `require('net').createServer().listen(${JSON.stringify(socket)}, () => process.kill(process.pid, 'SIGKILL'))`;
      spawnSync(process.execPath, ['-e', code]);
      assert.match((await adm(folder, ['-Ln'], { socket })).stderr, /^tunvsadm: the daemon that made .* has ended: /);
      writeFileSync(join(folder, 'file'), '');
      const { stderr, status } = await adm(folder, ['-Ln'], { socket: join(folder, 'file') });
      assert.equal(status, 1);
      assert.match(stderr, /file is not a daemon's control socket|has ended/);
    });

    it('says who may, when this user may not', async () => {
      for (const status of [401, 403]) {
        const answer = await problem(status, '{"title":"Forbidden"}');
        assert.equal(answer.status, 1);
        assert.match(answer.stderr, /^tunvsadm: this user may not do that on .*: root, the daemon's user and members /);
      }
    });

    it('prints the sentence of a problem', async () => {
      const { stderr, status } = await problem(413, '{"title":"Too large","detail":"the rules are\\ntoo long"}');
      assert.deepEqual([stderr, status], ['tunvsadm: the rules are too long\n', 1]);
      assert.equal((await problem(503, '{"title":"Busy"}')).stderr, 'tunvsadm: Busy\n');
    });

    it('says that what answers is no daemon', async () => {
      for (const [status, body] of [
        [200, '<html>\n'],
        [200, '{"exit":"0"}\n'],
        [200, '{"exit":-1}\n'],
        [404, 'nothing here'],
        [500, 'null'],
      ] as const) {
        const answer = await problem(status, body);
        assert.match(answer.stderr, /^tunvsadm: .* does not answer as a tunvs daemon: [^\n]*\n$/, `${status} ${body}`);
        assert.equal(answer.status, 1);
      }
      const talker = createNetServer((socket) => socket.on('error', () => {}).end('220 mail.example ESMTP\r\n'));
      talker.listen(join(folder, 'mail.sock'));
      await once(talker, 'listening');
      const { stderr } = await adm(folder, ['-Ln'], { socket: join(folder, 'mail.sock') });
      talker.close();
      assert.match(stderr, /does not answer as a tunvs daemon/);
    });

    it('says that the daemon ended in the middle, after what it had said', async () => {
      for (const end of ['cut', 'short', 'half'] as const) {
        const door = createServer((_, response) => {
          response.writeHead(200);
          response.write('{"out":"first\\n"}\n', () => {
            if (end === 'cut') response.destroy();
            else if (end === 'half') response.end('{"out":"sec');
            else response.end();
          });
        });
        const socket = join(folder, `${end}.sock`);
        door.listen(socket);
        await once(door, 'listening');
        const { stdout, stderr, status } = await adm(folder, ['-Ln'], { socket });
        door.close();
        assert.equal(stdout, 'first\n', end);
        assert.match(stderr, /^tunvsadm: the daemon on .* ended before it had answered: [^\n]*\n$/, end);
        assert.equal(status, 1);
      }
    });
  });

  it('refuses words of its own that are wrong', async () => {
    for (const [args, sentence] of [
      [['--name'], /^tunvsadm: --name lacks its value/],
      [['--socket='], /^tunvsadm: --socket lacks its value/],
      [['--name', '../x'], /^tunvsadm: "\.\.\/x" is not a daemon's name/],
      [['-Ln', '--watch=x'], /^tunvsadm: --watch takes seconds from 0.1 to 86400, not "x"/],
      [['-Ln', '--watch', '0'], /^tunvsadm: --watch takes seconds/],
      [['-C', '--watch'], /^tunvsadm: --watch repeats listings/],
      [['--completion', 'tcsh'], /^tunvsadm: --completion knows no shell "tcsh"/],
    ] as const) {
      const { stderr, status } = await ask([...args]);
      assert.match(stderr, sentence);
      assert.equal(status, 2);
    }
    assert.deepEqual(server.requests, []);
  });

  it('prints a long answer in flat memory, however slow its reader is', async () => {
    const piece = { out: `${'x'.repeat(99)}\n`.repeat(650) };
    const pieces = 2000;
    let sent = 0;
    server.execute = async function* () {
      for (; sent < pieces; sent++) yield piece;
      yield { exit: 0 };
    };
    const child = startAdm(folder, ['-Lnc'], { socket: server.socket });
    child.stdin.end();
    await once(child.stdout, 'readable');
    // The pipe is full, so the program stands still, and the daemon with it.
    for (let before = -1; before !== sent; await setTimeout(200)) before = sent;
    assert(sent < pieces / 4, `${sent} of ${pieces} pieces were sent to a reader who does not read`);
    let bytes = 0;
    let peakKib = 0;
    for await (const chunk of child.stdout) {
      bytes += chunk.length;
      if (child.exitCode === null) peakKib = Math.max(peakKib, peakMemoryKib(child.pid as number));
    }
    assert.equal(bytes, piece.out.length * pieces);
    assert(peakKib > 0 && peakKib < 120 * 1024, `${peakKib} KiB`);
  });

  it('ends silently when its reader goes, as ipvsadm under SIGPIPE does', async () => {
    server.execute = async function* () {
      for (;;) yield { out: 'line\n'.repeat(1000) };
    };
    const script = `"${ADM}" -Lnc | head -n 1; echo "\${PIPESTATUS[0]}"`;
    const child = startShell(script, server.socket);
    assert.deepEqual(await finished(child), { stdout: 'line\n141\n', stderr: '', status: 0 });
  });

  it('says that the disk is full', async () => {
    server.execute = says('line\n');
    const { stderr, status } = await finished(startShell(`"${ADM}" -Ln > /dev/full`, server.socket));
    assert.deepEqual([stderr, status], ['tunvsadm: the output cannot be written (ENOSPC)\n', 1]);
  });

  it('ends at once by a signal, while it waits for an answer or for its reader', async () => {
    for (const waits of ['answer', 'reader'] as const) {
      server.execute = async function* () {
        yield { out: 'begun\n' };
        if (waits === 'answer') await new Promise(() => {});
        for (;;) yield { out: 'line\n'.repeat(10_000) };
      };
      const child = startAdm(folder, ['-Lnc'], { socket: server.socket });
      await once(child.stdout, 'readable');
      child.kill('SIGTERM');
      const [, signal] = await once(child, 'exit');
      assert.equal(signal, 'SIGTERM', waits);
    }
  });

  it('loads nothing but its own files and modules of node', () => {
    const root = dirname(ADM);
    const files = (readdirSync(root, { recursive: true }) as string[]).filter((name) => name.endsWith('.js'));
    assert(files.includes('main.js') && files.length > 8);
    for (const file of files) {
      const imports = [...readFileSync(join(root, file), 'utf8').matchAll(/(?:from|import\(?)\s*'([^']+)'/g)];
      for (const [, path = ''] of imports) {
        const isOwn = path.startsWith('.') && join(root, dirname(file), path).startsWith(`${root}/`);
        assert(isOwn || path.startsWith('node:'), `${file} imports ${path}`);
      }
    }
  });
});

function startShell(script: string, socket: string) {
  return spawn('bash', ['-c', script], {
    env: { ...process.env, TUNVS_SOCKET: socket },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Returns 0 once the process has ended. */
function peakMemoryKib(pid: number): number {
  try {
    return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
