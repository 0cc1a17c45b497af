import { strict as assert } from 'node:assert';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import type { FailureReason } from '../../lib/health/checks/check.js';
import { parseStatusRanges } from '../../lib/health/checks/http/status-ranges.js';
import { type HttpCheckOptions, httpCheck } from '../../lib/health/checks/http.js';
import { abortedBy, findingOf, leavesNothingOpen, listen, serve } from '../support/checked.js';
import { answered, mirror } from '../support/http-answers.js';

const OK = 'HTTP/1.1 200 OK\r\n';
const withBody = (body: string, fields = '') => `${OK}${fields}Content-Length: ${body.length}\r\n\r\n${body}`;
const md5 = (text: string) => createHash('md5').update(text).digest('hex');

describe('a check by HTTP', () => {
  const passing: [what: string, answer: string, options: HttpCheckOptions][] = [
    ['any answer of 2xx and 3xx', 'HTTP/1.1 302 Found\r\nLocation: http://elsewhere/\r\n\r\n', {}],
    ['a status without words', 'HTTP/1.0 200\r\n\r\n', {}],
    ['lines that end in a line feed alone', 'HTTP/1.1 200 OK\n\n', {}],
    ['a status of the ranges', 'HTTP/1.1 404 Not Found\r\n\r\n', { status: '200-299,404' }],
    ['a text in the body', withBody('all is well'), { contains: 'is' }],
    ['a body without a text', withBody('all is well'), { lacks: 'ill' }],
    ['a body that matches', withBody('load: 17\nok'), { pattern: '^OK$', patternFlags: 'im' }],
    ['a body that does not match', withBody('ok'), { pattern: 'bad|ill', negatePattern: true }],
    ['the digest of the body', withBody('hello\n'), { digest: 'B1946AC92492D2347C6235B4D2611184' }],
    ['the digest of an empty body', withBody(''), { digest: md5('') }],
    [
      'chunks',
      `${OK}Transfer-Encoding: chunked\r\n\r\n3;a=b\r\nall\r\n5\r\n good\r\n0\r\nX: y\r\n\r\n`,
      { contains: 'all good' },
    ],
    [
      'interim answers',
      `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${withBody('ok')}`,
      { contains: 'ok' },
    ],
    ['HEAD without the body that its length says', `${OK}Content-Length: 5\r\n\r\n`, { method: 'HEAD', lacks: 'x' }],
    ['204 without a body', 'HTTP/1.1 204 No Content\r\n\r\n', { lacks: 'x' }],
    ['the first bytes of a body that is too long', withBody('x'.repeat(2000)), { contains: 'xxx', maxBodyBytes: 1000 }],
  ];
  for (const [what, answer, options] of passing)
    it(`passes with ${what}`, async () => assert.deepEqual((await answered(answer, options)).reason, undefined));

  it('takes what comes until the connection ends, byte by byte too', async () => {
    await using server = await serve((socket) => {
      socket.setNoDelay(true);
      socket.once('data', async () => {
        for (const byte of Buffer.from('HTTP/1.0 200 OK\r\n\r\nall is well')) {
          socket.write(Buffer.of(byte));
          await new Promise(setImmediate);
        }
        socket.end();
      });
    });
    assert.equal((await findingOf(httpCheck({ digest: md5('all is well') }), server.port)).passed, true);
  });

  const bomb = gzipSync(Buffer.alloc(10_000_000));
  const failing: [
    what: string,
    answer: string | Buffer,
    options: HttpCheckOptions,
    reason: FailureReason,
    message: RegExp,
  ][] = [
    ['another status', 'HTTP/1.1 503 Sorry\r\n\r\n', {}, 'wrong answer', /^status 503$/],
    [
      'a text that is not there',
      withBody('ill'),
      { contains: 'well' },
      'wrong answer',
      /^the body does not contain "well"$/,
    ],
    ['a text that is there', withBody('ill'), { lacks: 'ill' }, 'wrong answer', /^the body contains "ill"$/],
    [
      'a body that does not match',
      withBody('ill'),
      { pattern: '^w' },
      'wrong answer',
      /^the body does not match \/\^w\/$/,
    ],
    [
      'a body that matches',
      withBody('ill'),
      { pattern: 'i', negatePattern: true },
      'wrong answer',
      /^the body matches/,
    ],
    [
      'another digest',
      withBody('ill'),
      { digest: md5('') },
      'wrong answer',
      new RegExp(`digest of the body is ${md5('ill')}$`),
    ],
    [
      'a body that is too long for a digest',
      withBody('xx'),
      { digest: md5('x'), maxBodyBytes: 1 },
      'wrong answer',
      /longer than 1 b/,
    ],
    [
      'a text behind what is looked at',
      withBody('x'.repeat(99)),
      { contains: 'y', maxBodyBytes: 9 },
      'wrong answer',
      /within 9 bytes$/,
    ],
    [
      'another protocol',
      'SSH-2.0-OpenSSH_9.2\r\n',
      {},
      'wrong answer',
      /^no answer of HTTP: "SSH-2\.0-OpenSSH_9\.2\\u000d"$/,
    ],
    ['garbage without an end of line', Buffer.alloc(64, 0xfe), {}, 'wrong answer', /^no answer of HTTP/],
    ['a status line that is none', 'HTTP/1.1 abc\r\n\r\n', {}, 'wrong answer', /^no answer of HTTP: "HTTP\/1\.1 abc"$/],
    ['a header line that is none', `${OK}a b: c\r\n\r\n`, {}, 'wrong answer', /^a header line that is none: "a b: c"$/],
    [
      'a length that is none',
      `${OK}Content-Length: -1\r\n\r\n`,
      { contains: 'x' },
      'wrong answer',
      /^a length .* none: "-1"$/,
    ],
    [
      'two lengths',
      `${OK}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`,
      { contains: 'x' },
      'wrong answer',
      /^two lengths/,
    ],
    [
      'a chunk size that is none',
      `${OK}Transfer-Encoding: chunked\r\n\r\nxyz\r\n`,
      { contains: 'x' },
      'wrong answer',
      /^a size of a chunk/,
    ],
    [
      'a chunk that is too long',
      `${OK}Transfer-Encoding: chunked\r\n\r\n1\r\nxyz\r\n`,
      { contains: 'x' },
      'wrong answer',
      /^a chunk that is longer/,
    ],
    [
      'endless extensions of chunks',
      `${OK}Transfer-Encoding: chunked\r\n\r\n${`1;${'e'.repeat(20_000)}\r\na\r\n`.repeat(3)}`,
      { contains: 'x' },
      'wrong answer',
      /^chunk sizes of more than 32768 bytes$/,
    ],
    [
      'an endless header',
      `${OK}${'X: y\r\n'.repeat(10_000)}`,
      {},
      'wrong answer',
      /^a header of more than 32768 bytes$/,
    ],
    [
      'an endless header line',
      `${OK}X: ${' '.repeat(40_000)}`,
      {},
      'wrong answer',
      /^a header of more than 32768 bytes$/,
    ],
    [
      'endless interim answers',
      'HTTP/1.1 100 Continue\r\n\r\n'.repeat(50),
      {},
      'wrong answer',
      /^more than 10 interim answers/,
    ],
    [
      'a bomb of gzip, which is not unpacked',
      Buffer.concat([Buffer.from(`${OK}Content-Encoding: gzip\r\nContent-Length: ${bomb.length}\r\n\r\n`), bomb]),
      { contains: '\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0ok' },
      'wrong answer',
      /^the body does not contain/,
    ],
    [
      'a pattern that takes forever',
      withBody(`${'a'.repeat(50)}b`),
      { pattern: '^(a+)+$' },
      'wrong answer',
      /^the pattern needs more than 50 ms/,
    ],
  ];
  for (const [what, answer, options, reason, message] of failing)
    it(`names ${what}`, () =>
      leavesNothingOpen(async () => {
        const finding = await answered(answer, options);
        assert.equal(finding.passed, false);
        assert.match(finding.message, message);
        assert.equal(finding.reason, reason);
      }));

  it('says what the port speaks when it is HTTP/2 or TLS', async () => {
    const settings = Buffer.from([0, 0, 18, 4, 0, 0, 0, 0, 0, 0, 3]);
    assert.equal((await answered(settings)).mend, "The port speaks HTTP/2: set version to '2'.");
    assert.equal((await answered('\x15\x03\x01\0\x02\x02\x46')).mend, 'The port speaks TLS: check it by https.');
    assert.equal((await answered('SSH-2.0-x\r\n')).mend, undefined);
  });

  const ends: [what: string, answer: string, message: string][] = [
    ['before an answer', '', 'connection closed before an answer'],
    ['within the header', 'HTTP/1.', 'connection closed within the header, after 7 bytes'],
    ['within the body', `${OK}Content-Length: 9\r\n\r\nabc`, 'connection closed within the body, after 3 bytes'],
  ];
  for (const [what, answer, message] of ends)
    it(`names a connection that ends ${what}, or is reset there`, () =>
      leavesNothingOpen(async () => {
        const finding = await answered(answer, { contains: 'x' }, (socket) => socket.end());
        assert.deepEqual(finding, { passed: false, reason: 'closed', message });
        const reset = await answered(answer, { contains: 'x' }, (socket) => socket.resetAndDestroy());
        assert.equal(reset.reason, 'closed');
      }));

  it('says how far the answer had come when the time is over', () =>
    leavesNothingOpen(async () => {
      const stages: [answer: string, message: string][] = [
        ['', 'connected, but no answer'],
        ['HTTP/1.1 2', 'the answer has begun, but its header does not end'],
        [`${OK}Content-Length: 9\r\n\r\nabc`, 'status 200, but no end of the body after 3 bytes'],
      ];
      for (const [answer, message] of stages) {
        await using server = await serve((socket) => socket.once('data', () => socket.write(answer)));
        // The answer has been read when what was written behind it on another connection has.
        const isRead = (async () => {
          while (server.taken.length === 0) await new Promise(setImmediate);
          await once(server.taken[0] as Socket, 'data');
          for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
        })();
        const finding = await findingOf(httpCheck({ contains: 'x' }), server.port, abortedBy(isRead));
        assert.deepEqual(finding, { passed: false, reason: 'timeout', message });
      }
    }));

  it('reads no more of an endless body than it looks at', async () => {
    let written = 0;
    await using server = await serve((socket) => {
      socket.once('data', () => {
        socket.write(`${OK}\r\n`);
        const more = () => {
          while (!socket.destroyed && socket.write(Buffer.alloc(65_536, 'x'))) written += 65_536;
        };
        socket.on('drain', more);
        more();
      });
    });
    const finding = await findingOf(httpCheck({ contains: 'y' }), server.port);
    assert.match(finding.message, /^the body does not contain "y" within 65536 bytes$/);
    // What the kernel's buffers hold is not read.
    assert.ok(written < 64 * 1024 * 1024, `${written}`);
  });

  it('asks as the options say', async () => {
    await using server = await listen(createServer(mirror));
    const check = (contains: string, options: HttpCheckOptions) =>
      findingOf(httpCheck({ ...options, contains }), server.port).then(({ message }) =>
        assert.equal(message, 'status 200'),
      );
    await check(`{"method":"GET","url":"/","httpVersion":"1.1","authority":"127.0.0.1:${server.port}","body":""}`, {});
    await check(
      '"method":"POST","url":"/a?b=c","httpVersion":"1.0","authority":"www.example.org","x":"y","body":"grüße"',
      {
        method: 'POST',
        path: '/a?b=c',
        host: 'www.example.org',
        headers: { X: 'y' },
        body: 'grüße',
        version: '1.0',
      },
    );
    await check('"authority":"other.example.org"', { headers: { Host: 'other.example.org' } });
  });

  it('takes the weight from a header of the answer', async () => {
    const advised = async (value: string) => {
      const { advice, warning } = await answered(`${OK}X-Weight: ${value}\r\n\r\n`, { weightHeader: 'x-weight' });
      return advice ?? warning;
    };
    assert.deepEqual(await advised('40'), { weight: 40 });
    assert.deepEqual(await advised('75%'), { factor: 0.75 });
    assert.match(String(await advised('heavy')), /^the header x-weight has no weight: "heavy"$/);
    assert.match(String(await advised('65536')), /no weight/);
    assert.deepEqual(await answered(`${OK}\r\n`, { weightHeader: 'x-weight' }), {
      passed: true,
      message: 'status 200',
    });
  });

  const mistakes: [what: string, options: HttpCheckOptions, option: string][] = [
    ['a path with a space', { path: '/a b' }, 'path'],
    ['a path without a slash', { path: 'a' }, 'path'],
    ['a method that would make a tunnel', { method: 'CONNECT' }, 'method'],
    ['a header with a line end', { headers: { x: 'a\r\nb: c' } }, 'headers.x'],
    ['a header that says how long the request is', { headers: { 'Content-Length': '3' } }, 'headers'],
    ['a range that ends before it begins', { status: '299-200' }, 'status'],
    ['a pattern that is none', { pattern: '(' }, 'pattern'],
    ['a pattern that is none with its flags', { pattern: '\\-', patternFlags: 'u' }, 'pattern'],
    ['a flag twice', { patternFlags: 'ii' }, 'patternFlags'],
    ['a digest of another length', { digest: 'abc' }, 'digest'],
    ['an empty text', { contains: '' }, 'contains'],
  ];
  for (const [what, options, option] of mistakes)
    it(`refuses ${what}`, () =>
      assert.throws(() => httpCheck(options), { code: 'ERR_TUNVS_INVALID_ARGUMENT', option }));

  it('reads ranges of status codes', () => {
    const is = parseStatusRanges('200-299, 301');
    assert.deepEqual([199, 200, 299, 300, 301, 302].map(is), [false, true, true, false, true, false]);
  });
});
