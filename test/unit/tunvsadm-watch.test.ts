/** `tunvsadm --watch`: on a terminal, and where there is none. */
import { strict as assert } from 'node:assert';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { isWatchable } from '../../lib/adm/call.js';
import { frame } from '../../lib/adm/screen.js';
import { eventuallyHolds } from '../support/eventually.js';
import { admFolder, finished, startAdm } from '../support/tunvsadm.js';
import { AdmServer, type Executor, says } from '../support/tunvsadm-server.js';
import { processes } from '../support/processes.js';
import { hasProgram } from '../support/has-program.js';

/** Answers with the number of the call. */
function counting(): Executor {
  let calls = 0;
  return async function* () {
    yield { out: `call ${++calls}\n` };
    yield { exit: 0 };
  };
}

describe('tunvsadm --watch', () => {
  let folder: string;
  let server: AdmServer;
  let child: ChildProcess | undefined;

  before(() => {
    folder = admFolder();
  });
  beforeEach(async () => {
    server = await AdmServer.open(counting());
  });
  afterEach(async () => {
    child?.kill('SIGKILL');
    child = undefined;
    await server.dispose();
  });
  after(() => rmSync(folder, { recursive: true }));

  function reading(stream: NodeJS.ReadableStream): () => string {
    let text = '';
    stream.on('data', (chunk) => {
      text += chunk;
    });
    return () => text;
  }

  it('prints blocks one under the other where there is no terminal', async () => {
    const started = startAdm(folder, ['-Ln', '--watch', '0.1'], { socket: server.socket });
    child = started;
    const out = reading(started.stdout);
    await eventuallyHolds(async () => assert.match(out(), /^call 1\n\ncall 2\n\ncall 3\n/));
    assert.deepEqual(server.requests[0], { argv: ['-Ln'], stdin: '' });
    started.kill('SIGINT');
    assert.equal((await once(started, 'exit'))[1], 'SIGINT');
  });

  it('prints a JSON document a line', async () => {
    server.execute = says('{"connections":[\n{"state":"a b"},\n{}\n]}\n');
    const started = startAdm(folder, ['-Lnc', '--json', '--watch=0.1'], { socket: server.socket });
    child = started;
    const out = reading(started.stdout);
    const line = '{"connections":[{"state":"a b"},{}]}\n';
    await eventuallyHolds(async () => assert(out().startsWith(line + line), out()));
  });

  it('goes on when the daemon is started anew, and says once that it was away', async () => {
    const started = startAdm(folder, ['--watch', '0.1'], { socket: server.socket });
    child = started;
    const [out, err] = [reading(started.stdout), reading(started.stderr)];
    await eventuallyHolds(async () => assert.match(out(), /call 1\n/));
    await server.close();
    await eventuallyHolds(async () => assert.match(err(), /no daemon|has ended/));
    const before = out().length;
    const again = await AdmServer.open(says('back\n'), server.socket);
    await eventuallyHolds(async () => assert.match(out().slice(before), /back\n/));
    await again.close();
    const sentences = err().trimEnd().split('\n');
    assert.equal(new Set(sentences).size, sentences.length, err());
  });

  it('ends with the exit code of words that are wrong', async () => {
    server.execute = async function* () {
      yield { err: '--nosuch: unknown option\n' };
      yield { exit: 255 };
    };
    const started = startAdm(folder, ['-L', '--nosuch', '--watch'], { socket: server.socket });
    assert.deepEqual(await finished(started), { stdout: '', stderr: '--nosuch: unknown option\n', status: 255 });
  });

  it('goes on when what it shows is away for a while', async () => {
    let calls = 0;
    server.execute = async function* () {
      if (++calls === 2) yield { err: 'No such service\n' };
      else yield { out: `call ${calls}\n` };
      yield { exit: calls === 2 ? 255 : 0 };
    };
    const started = startAdm(folder, ['-L', '-t', '192.0.2.1:80', '--watch', '0.1'], { socket: server.socket });
    child = started;
    const [out, err] = [reading(started.stdout), reading(started.stderr)];
    await eventuallyHolds(async () => assert.match(out(), /call 1\n\ncall 3\n/));
    assert.equal(err(), 'No such service\n');
  });

  describe('on a terminal', () => {
    /** script(1) gives the program a terminal, and is one to this test. */
    const onTerminal = (words: string) =>
      spawn('script', ['-qec', `${process.execPath} ${folder}/tunvsadm ${words}`, '/dev/null'], {
        env: { ...process.env, TUNVS_SOCKET: server.socket, TERM: 'xterm' },
      });

    before(function () {
      if (!hasProgram('script')) {
        console.log('        script is missing; install it with: apt-get install bsdutils');
        this.skip();
      }
    });

    /** The program itself, below script(1). */
    const pids = () =>
      processes()
        .filter(({ words, environment }) => {
          const isOurs = environment.includes(`TUNVS_SOCKET=${server.socket}`);
          return isOurs && words[1] === `${folder}/tunvsadm`;
        })
        .map(({ pid }) => pid);

    it('leaves the screen at a signal, and ends by it', async () => {
      const started = onTerminal('--watch 0.1');
      child = started;
      const out = reading(started.stdout);
      await eventuallyHolds(async () => assert.match(out(), /call 2/));
      const [pid = 0, ...more] = pids();
      assert(pid > 0 && more.length === 0);
      process.kill(pid, 'SIGTERM');
      assert.equal((await once(started, 'close'))[0], 143);
      assert(out().includes('\x1b[?1049l'), JSON.stringify(out().slice(-200)));
    });

    it('ends when the terminal goes', async () => {
      const started = onTerminal('--watch 0.1');
      child = started;
      const out = reading(started.stdout);
      await eventuallyHolds(async () => assert.match(out(), /call 2/));
      assert.equal(pids().length, 1);
      started.kill('SIGKILL');
      await eventuallyHolds(async () => assert.deepEqual(pids(), []));
    });

    for (const [name, key] of [
      ['q', 'q'],
      ['Ctrl-C', '\x03'],
    ] as const) {
      it(`draws in place on the other screen, and leaves it at ${name}`, async () => {
        const started = onTerminal('-Ln --watch 0.1');
        child = started;
        const out = reading(started.stdout);
        await eventuallyHolds(async () => assert.match(out(), /call 3/));
        assert(out().startsWith('\x1b[?1049h'), JSON.stringify(out()));
        assert.match(out(), /Every 0\.1s: tunvsadm -Ln/);
        started.stdin.write(key);
        const [status] = await once(started, 'close');
        assert.equal(status, 0);
        assert(out().includes('\x1b[?1049l'), JSON.stringify(out().slice(-200)));
      });
    }
  });

  it('repeats listings alone', () => {
    for (const words of [
      '',
      '-Ln',
      '-lc',
      '--list',
      '-Sn',
      '--save --all',
      '--json',
      '--sysctl',
      '--sysctl x',
      'mark list',
    ])
      assert(isWatchable(words.split(' ').filter(Boolean)), words);
    for (const words of ['-C', '-A -t x', '--set 1 2 3', '--sysctl x=1', '--sysctl=x=1', 'mark flush', '-R', '--zero'])
      assert(!isWatchable(words.split(' ')), words);
  });

  it('cuts what does not fit', () => {
    assert.equal(frame('title', 'a\nbcdef\nc\n', 4, 4), 'titl\x1b[K\r\n\x1b[K\r\na\x1b[K\r\nbcde\x1b[K');
  });
});
