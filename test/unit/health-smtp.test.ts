import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import fc from 'fast-check';
import { parseReplyLine, type SmtpCheckOptions, smtpCheck } from '../../lib/health/checks/smtp.js';
import { contextOf, found } from '../support/check-context.js';
import { fuzzRuns } from '../support/fuzz-runs.js';

const ADDRESS = '127.0.0.1';

describe('the check smtp', () => {
  let server: Server;
  let port: number;
  let heard: string[];
  /** What the server says first, and then to each line. */
  let says: (Buffer | string)[];
  let serve: (socket: Socket) => void;
  let ended: Promise<unknown>;

  beforeEach(async () => {
    heard = [];
    says = ['220 ready\r\n', '250 hello\r\n', '221 bye\r\n'];
    serve = (socket) => {
      let at = 0;
      socket.write(says[at++] ?? '');
      socket.on('data', (chunk) => {
        heard.push(chunk.toString());
        socket.write(says[at++] ?? '');
      });
    };
    server = createServer((socket) => {
      socket.on('error', () => {});
      ended = new Promise((resolve) => socket.once('close', resolve));
      serve(socket);
    }).listen(0, ADDRESS);
    await once(server, 'listening');
    port = (server.address() as { port: number }).port;
  });

  afterEach(() => {
    server.close();
  });

  const check = (options: SmtpCheckOptions = {}, signal?: AbortSignal) =>
    found(smtpCheck(options), contextOf(ADDRESS, port, signal));

  it('passes when the server is ready, takes the greeting and says good-bye', async () => {
    assert.deepEqual(await check(), { passed: true, message: '250 hello' });
    assert.deepEqual(heard, ['HELO smtpchecker.tunvs.invalid\r\n', 'QUIT\r\n']);
    await ended;
  });

  it('takes answers of many lines, torn anywhere', async () => {
    says = ['220-one\n220 two\n', '250-PIPELINING\r\n250-SIZE 1\r\n250 HELP\r\n', ''];
    serve = (socket) => {
      socket.setNoDelay(true);
      const torn = Buffer.from(says.join(''));
      const next = (at: number): void => {
        if (at < torn.length) socket.write(torn.subarray(at, at + 1), () => next(at + 1));
        else socket.end();
      };
      next(0);
    };
    const options = { greeting: 'EHLO', heloName: '[192.0.2.1]' } as const;
    assert.deepEqual(await check(options), { passed: true, message: '250 HELP' });
  });

  const wrong: [what: string, says: (Buffer | string)[], reason: string, message: RegExp][] = [
    ['is not ready', ['554 no\r\n'], 'wrong answer', /^the connection was answered by 554 no, not 220$/],
    [
      'refuses the greeting',
      ['220 x\r\n', '501-a\r\n501 b\r\n'],
      'wrong answer',
      /^HELO was answered by 501 b, not 250$/,
    ],
    ['speaks another language', ['HTTP/1.1 400\r\n'], 'wrong answer', /^no answer of a mail server: HTTP\/1.1 400/],
    ['mixes codes', ['220-a\r\n250 b\r\n'], 'wrong answer', /^no answer of a mail server: 250 b/],
    ['sends escapes', ['220\u001b[2J\r\n'], 'wrong answer', /220\\u001b\[2J/],
    ['has endless lines', [Buffer.alloc(100_000, 97)], 'wrong answer', /more than 16384 bytes$/],
    ['has endless answers', ['220-a\r\n'.repeat(10_000)], 'wrong answer', /more than 16384 bytes$/],
  ];
  for (const [what, lines, reason, message] of wrong)
    it(`fails when the server ${what}`, async () => {
      says = lines;
      const finding = await check();
      assert.equal(finding.reason, reason);
      assert.match(finding.message, message);
      await ended;
    });

  it('fails when the connection ends before an answer, in whichever way', async () => {
    serve = (socket) => socket.end('220-a\r\n');
    assert.equal((await check()).reason, 'closed');
    serve = (socket) => {
      socket.write('220 a\r\n');
      socket.on('data', () => socket.resetAndDestroy());
    };
    assert.equal((await check()).reason, 'closed');
  });

  it('passes when the server ends without an answer to QUIT', async () => {
    serve = (socket) => {
      socket.write('220 a\r\n250 b\r\n');
      socket.on('data', (chunk) => String(chunk).includes('QUIT') && socket.resetAndDestroy());
    };
    assert.equal((await check()).passed, true);
  });

  it('says what was not answered when its time is over', async () => {
    for (const [before, what] of ['HELO', 'QUIT'].entries()) {
      const ending = new AbortController();
      says = ['220 a\r\n', '250 b\r\n'].slice(0, before + 1);
      serve = (socket) => {
        let at = 0;
        const next = () => {
          const line = says[at++];
          if (line === undefined) ending.abort(new Error('over'));
          else socket.write(line);
        };
        next();
        socket.on('data', next);
      };
      const finding = await check({}, ending.signal);
      assert.deepEqual(finding, { passed: false, reason: 'timeout', message: `${what} was not answered` });
      await ended;
    }
  });

  it('refuses names that would be commands of their own', () => {
    for (const heloName of ['', 'a b', 'a\r\nQUIT', 'a'.repeat(256)])
      assert.throws(() => smtpCheck({ heloName }), { code: 'ERR_TUNVS_INVALID_ARGUMENT', option: 'heloName' });
  });

  it('takes a line for an answer only by its code and what follows that', () => {
    const code = fc.integer({ min: 200, max: 599 });
    const text = fc.string();
    fc.assert(
      fc.property(code, fc.constantFrom(' ', '-'), text, fc.string(), (number, sign, rest, any) => {
        assert.deepEqual(parseReplyLine(`${number}${sign}${rest}`), { code: number, isLast: sign === ' ', text: rest });
        assert.equal(parseReplyLine(`x${any}`), undefined);
        assert.equal(parseReplyLine(`${number}x${any}`), undefined);
        parseReplyLine(any);
      }),
      { numRuns: fuzzRuns(200) },
    );
  });
});
