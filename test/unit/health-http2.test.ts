import { strict as assert } from 'node:assert';
import { createServer } from 'node:http2';
import { httpCheck } from '../../lib/health/checks/http.js';
import { abortedBy, findingOf, leavesNothingOpen, listen, serve } from '../support/checked.js';
import { answered, mirror } from '../support/http-answers.js';

/** A frame of HTTP/2 (RFC 9113, 4.1). */
function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

const SETTINGS = frame(4, 0, 0, Buffer.alloc(0));
const PING = frame(6, 0, 0, Buffer.alloc(8));

describe('a check by HTTP/2', () => {
  it('speaks HTTP/2 by prior knowledge', () =>
    leavesNothingOpen(async () => {
      await using server = await listen(createServer(mirror as never));
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
      const refusing = createServer();
      refusing.on('stream', (stream) => stream.on('error', () => {}).close(7));
      await using server = await listen(refusing);
      const refused = await findingOf(httpCheck({ version: '2' }), server.port);
      assert.equal(refused.reason, 'closed');
      assert.match(refused.message, /REFUSED_STREAM/);
    }));

  it('takes the answer of HTTP/2 from a server that ends the connection at once', () =>
    leavesNothingOpen(async () => {
      const ending = createServer();
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
      const flooding = createServer();
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

  const hostile: [what: string, bytes: Buffer][] = [
    ['a flood of pings', Buffer.concat([SETTINGS, ...Array<Buffer>(20_000).fill(PING)])],
    ['a header that does not end', Buffer.concat([SETTINGS, frame(1, 0, 1, Buffer.from([0x88])), SETTINGS])],
    ['a header that is none', Buffer.concat([SETTINGS, frame(1, 4, 1, Buffer.alloc(100, 0xff))])],
    ['a frame of 16 MiB', Buffer.concat([SETTINGS, Buffer.from([0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1])])],
    ['a stream that nobody has asked for', Buffer.concat([SETTINGS, frame(1, 5, 2, Buffer.from([0x88]))])],
    ['an answer without a status', Buffer.concat([SETTINGS, frame(1, 5, 1, Buffer.from([0xbe]))])],
  ];
  // Node tells nothing of some mistakes: it takes leave of the server and reads no more. Then the time limit ends it.
  for (const [what, bytes] of hostile)
    it(`survives ${what}`, () =>
      leavesNothingOpen(async () => {
        let hasSent = () => {};
        const isSent = new Promise<void>((resolve) => {
          hasSent = resolve;
        });
        await using server = await serve((socket) => socket.once('data', () => socket.end(bytes, hasSent)));
        const isOver = isSent.then(async () => {
          for (let turn = 0; turn < 200; turn++) await new Promise(setImmediate);
        });
        const finding = await findingOf(httpCheck({ version: '2', contains: 'x' }), server.port, abortedBy(isOver));
        assert.equal(finding.passed, false);
        assert.match(String(finding.reason), /^(?:closed|wrong answer|timeout)$/);
      }));
});
