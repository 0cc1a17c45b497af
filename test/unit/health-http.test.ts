import { strict as assert } from 'node:assert';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { createSecureServer, createServer as createH2Server } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import type { FailureReason } from '../../lib/health/checks/check.js';
import { parseStatusRanges } from '../../lib/health/checks/http/status-ranges.js';
import { type HttpCheckOptions, httpCheck } from '../../lib/health/checks/http.js';
import { type HttpsCheckOptions, httpsCheck } from '../../lib/health/checks/https.js';
import { authority, selfSigned, serverCertificate } from '../support/certificates.js';
import { abortedBy, findingOf, leavesNothingOpen, listen, serve } from '../support/checked.js';

const directory = mkdtempSync(join(tmpdir(), 'tunvs-http-'));
const caFile = join(directory, 'ca.pem');
before(() => writeFileSync(caFile, authority.cert));
after(() => rmSync(directory, { recursive: true }));

/** The finding of a check of a server that answers `bytes` to whatever it is asked. */
async function answered(
  bytes: string | Buffer,
  options: HttpCheckOptions = {},
  after: (socket: Socket) => void = () => {},
) {
  await using server = await serve((socket) => {
    socket.once('data', () => socket.write(bytes, 'latin1', () => after(socket)));
  });
  return await findingOf(httpCheck(options), server.port);
}

const OK = 'HTTP/1.1 200 OK\r\n';
const withBody = (body: string, fields = '') => `${OK}${fields}Content-Length: ${body.length}\r\n\r\n${body}`;
const md5 = (text: string) => createHash('md5').update(text).digest('hex');

/** Answers with what it was asked. */
const mirror: RequestListener = (request, response) => {
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => {
    const { method, url, httpVersion, headers } = request;
    const authority = headers.host ?? headers[':authority'];
    const body = JSON.stringify({
      method,
      url,
      httpVersion,
      authority,
      x: headers.x,
      body: String(Buffer.concat(parts)),
    });
    response.setHeader('x-weight', '40%');
    response.end(body);
  });
};

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

  it('speaks HTTP/2 by prior knowledge', () =>
    leavesNothingOpen(async () => {
      await using server = await listen(createH2Server(mirror as never));
      const options = {
        version: '2',
        method: 'POST',
        body: 'hi',
        host: 'www.example.org',
        weightHeader: 'X-Weight',
      } as const;
      const contains = '{"method":"POST","url":"/","httpVersion":"2.0","authority":"www.example.org","body":"hi"}';
      const finding = await findingOf(httpCheck({ ...options, contains }), server.port);
      assert.deepEqual(finding, { passed: true, message: 'status 200', advice: { factor: 0.4 } });
      const failed = await findingOf(httpCheck({ ...options, status: '404' }), server.port);
      assert.equal(failed.message, 'status 200');
    }));

  it('names what does not speak HTTP/2, or stops in the middle', () =>
    leavesNothingOpen(async () => {
      const finding = await answered('HTTP/1.1 400 Bad Request\r\n\r\n', { version: '2' });
      assert.equal(finding.reason, 'wrong answer');
      assert.match(finding.message, /^HTTP\/2: /);
      const closed = await answered('', { version: '2' }, (socket) => socket.end());
      assert.equal(closed.reason, 'closed');
      const reset = await answered('', { version: '2' }, (socket) => socket.resetAndDestroy());
      assert.equal(reset.reason, 'closed');
      const refusing = createH2Server();
      refusing.on('stream', (stream) => stream.on('error', () => {}).close(7));
      await using server = await listen(refusing);
      const refused = await findingOf(httpCheck({ version: '2' }), server.port);
      assert.equal(refused.reason, 'closed');
      assert.match(refused.message, /REFUSED_STREAM/);
    }));

  it('takes the answer of HTTP/2 from a server that ends the connection at once', () =>
    leavesNothingOpen(async () => {
      const ending = createH2Server();
      ending.on('stream', (stream) => {
        stream.respond({ ':status': 200 });
        stream.end('ok');
        stream.on('close', () => stream.session?.close());
      });
      await using server = await listen(ending);
      for (let round = 0; round < 20; round++)
        assert.equal((await findingOf(httpCheck({ version: '2', contains: 'ok' }), server.port)).message, 'status 200');
    }));

  it('bounds interim answers and the body of HTTP/2', () =>
    leavesNothingOpen(async () => {
      const flooding = createH2Server();
      flooding.on('stream', (stream, { ':path': path }) => {
        stream.on('error', () => {});
        if (path === '/interim') for (let n = 0; n < 30; n++) stream.additionalHeaders({ ':status': 103 });
        stream.respond({ ':status': 200 });
        stream.write(Buffer.alloc(200_000, 'x'));
      });
      await using server = await listen(flooding);
      const body = await findingOf(httpCheck({ version: '2', contains: 'y' }), server.port);
      assert.match(body.message, /within 65536 bytes$/);
      const interim = await findingOf(httpCheck({ version: '2', path: '/interim' }), server.port);
      assert.match(interim.message, /^more than 10 interim answers$/);
    }));

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

describe('a check by HTTPS', () => {
  const certified = { ...serverCertificate, allowHTTP1: true };
  const host = 'server.example.org';
  const checkedBy = (port: number, options: HttpsCheckOptions) => findingOf(httpsCheck(options), port);

  it('asks over TLS, and takes the name from the host', () =>
    leavesNothingOpen(async () => {
      await using server = await listen(createHttpsServer(certified, mirror));
      const asked = { caFile, host, contains: `"authority":"${host}"` };
      assert.deepEqual(await checkedBy(server.port, asked), { passed: true, message: 'status 200' });
      const other = await checkedBy(server.port, { caFile, host: 'www.example.org:8443' });
      assert.equal(other.reason, 'wrong certificate');
      assert.equal((await checkedBy(server.port, { caFile, host: 'www.example.org', serverName: host })).passed, true);
    }));

  it('speaks HTTP/2 when ALPN gives it, and says so when it does not', () =>
    leavesNothingOpen(async () => {
      await using both = await listen(createSecureServer(certified, mirror as never));
      const asked = { caFile, host, version: '2', contains: '"httpVersion":"2.0"' } as const;
      assert.deepEqual(await checkedBy(both.port, asked), { passed: true, message: 'status 200' });
      await using old = await listen(createHttpsServer(serverCertificate, mirror));
      const finding = await checkedBy(old.port, asked);
      assert.equal(finding.reason, 'wrong answer');
    }));

  it('keeps the warning of the certificate', async () => {
    await using server = await listen(createHttpsServer(selfSigned, mirror));
    const finding = await checkedBy(server.port, { verify: false });
    assert.deepEqual(finding, { passed: true, message: 'status 200', warning: 'the certificate is self-signed' });
  });

  it('survives a server that stops in the middle', () =>
    leavesNothingOpen(async () => {
      const stopping = createHttpsServer(serverCertificate, (_request, response) => {
        response.writeHead(200, { 'content-length': 9 });
        response.write('abc');
        setImmediate(() => response.socket?.destroy());
      });
      await using server = await listen(stopping);
      const finding = await checkedBy(server.port, { caFile, contains: 'x' });
      assert.equal(finding.reason, 'closed');
    }));
});
