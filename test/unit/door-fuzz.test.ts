/** Whatever bytes come, a door answers in HTTP or closes, hands on whole requests alone, and serves the next client. */
import { strict as assert } from 'node:assert';
import { connect } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { ask, Doors } from '../support/door-client.js';
import { eventuallyHolds } from '../support/eventually.js';
import { fuzzRuns } from '../support/fuzz-runs.js';

const PIECES = [
  ...['GET / HTTP/1.1\r\n', 'POST /v1/services HTTP/1.1\r\n', 'HEAD /health HTTP/1.0\r\n', 'CONNECT a:1 HTTP/1.1\r\n'],
  ...[
    'GET http://a/ HTTP/1.1\r\n',
    'OPTIONS * HTTP/1.1\r\n',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    'GET /%00 HTTP/1.1\r\n',
  ],
  ...[
    'Host: a\r\n',
    'Host: b\r\n',
    'Content-Length: 3\r\n',
    'Content-Length: 99999999999\r\n',
    'Content-Length: -1\r\n',
  ],
  ...['Transfer-Encoding: chunked\r\n', 'Transfer-Encoding: gzip, chunked\r\n', 'Content-Type: application/json\r\n'],
  ...[
    'Expect: 100-continue\r\n',
    'Upgrade: websocket\r\nConnection: upgrade\r\n',
    'Connection: close\r\n',
    ' folded\r\n',
  ],
  ...['\r\n', '\r\n', '\r\n', '\n', '\r', '3\r\nabc\r\n', '0\r\n\r\n', 'ffffffffffffffff\r\n', '{}x', '\0', ':', ' '],
  ...[
    'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc',
    '\x16\x03\x01\x02',
  ],
];

const piece = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...PIECES).map((text) => Buffer.from(text, 'latin1')) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes)) },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 1, max: 40 }).map((length) => Buffer.from(`A: ${'b'.repeat(length * 800)}\r\n`)),
  },
);

const whole = fc
  .constantFrom(...PIECES.filter((text) => /\n\r\n/.test(text) && !text.startsWith('PRI')))
  .map((text) => Buffer.from(text));

/** The pieces are written one by one; then the client shuts its half, goes, or waits for what comes. */
const visits = fc.record({
  pieces: fc.tuple(fc.oneof(whole, piece), fc.array(piece, { maxLength: 9 })).map(([first, rest]) => [first, ...rest]),
  ending: fc.constantFrom('shut', 'shut', 'go', 'wait'),
});

type Visit = typeof visits extends fc.Arbitrary<infer Value> ? Value : never;

/** What a client hears until the door closes, which it does soon even when the client waits. */
function visit(path: string, { pieces, ending }: Visit): Promise<string> {
  return new Promise((resolve) => {
    let heard = '';
    const socket = connect({ path, allowHalfOpen: true });
    socket.setEncoding('latin1').on('data', (chunk) => {
      heard += chunk;
    });
    socket.on('error', () => {});
    socket.on('end', () => socket.end());
    socket.on('close', () => resolve(heard));
    socket.on('connect', async () => {
      for (const bytes of pieces) {
        if (socket.writable) socket.write(bytes);
        await setImmediate();
      }
      if (ending === 'shut') socket.end();
      if (ending === 'go') socket.destroy();
    });
  });
}

describe('any bytes at a door', () => {
  const RUNS = fuzzRuns(4);
  /** They wait together for limits of time. */
  const AT_ONCE = 300;

  it('are answered in HTTP, or not at all', async function () {
    this.timeout(30_000 + RUNS * 1000);
    const doors = new Doors();
    const counts = { answered: 0, refused: 0, handed: 0 };
    const plenty = 1_000_000;
    const pace = { clientsPerSecond: plenty, requestsPerSecond: plenty, requestsPerPeer: plenty, requests: plenty };
    const limits = {
      ...pace,
      loopShare: 1,
      headerMs: 150,
      requestMs: 300,
      idleMs: 100,
      stalledMs: 500,
      bodyBytes: 1000,
    };
    await doors.open({
      limits,
      fetch: async (request) => {
        counts.handed++;
        const body = await request.text();
        // What the door hands on is what the application may rely on.
        assert.match(request.url, /^http:\/\/[^/]+\//);
        assert.ok(body === '' || !['GET', 'HEAD'].includes(request.method));
        assert.ok(body.length <= limits.bodyBytes);
        return new Response(request.method);
      },
    });
    try {
      await fc.assert(
        fc.asyncProperty(fc.array(visits, { minLength: AT_ONCE, maxLength: AT_ONCE }), async (many) => {
          const answers = await Promise.all(many.map((each) => visit(doors.path, each)));
          for (const heard of answers) {
            assert.match(heard, /^(?:HTTP\/1\.1 \d{3} |$)/);
            assert.doesNotMatch(heard, /^HTTP\/1\.1 500 /m);
            if (heard.startsWith('HTTP/1.1 2')) counts.answered++;
            else if (heard !== '') counts.refused++;
          }
        }),
        { numRuns: RUNS },
      );
      // Both kinds came, so that the bytes reach what they are for.
      assert.ok(Math.min(...Object.values(counts)) > 10 * RUNS, JSON.stringify(counts));
      // Nobody is left in the door's books.
      await eventuallyHolds(async () => {
        const answer = await ask({ socketPath: doors.path });
        assert.deepEqual([answer.status, answer.body], [200, 'GET']);
      });
    } finally {
      await doors.dispose();
    }
  });
});
