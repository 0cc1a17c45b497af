import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { CheckFailure } from '../../lib/health/checks/check.js';
import { type Answer, type AnswerNeeds, MAX_HEAD_BYTES } from '../../lib/health/checks/http/answer.js';
import { AnswerParser } from '../../lib/health/checks/http/answer-parser.js';
import { fuzzRuns } from '../support/fuzz-runs.js';

const RUNS = { numRuns: fuzzRuns(2000) };
const needs: AnswerNeeds = { maxBytes: 64, text: true, digest: true, wantsBody: () => true, isHead: false };

/** What becomes of the pieces: the answer, or the failure's reason and message, as a text. */
function read(pieces: readonly Uint8Array[]): string {
  const parser = new AnswerParser(needs);
  try {
    for (const piece of pieces) {
      const answer = parser.take(Buffer.from(piece));
      if (answer !== undefined) return shown(answer);
      assert.ok(parser.progress().length < 200);
    }
    return shown(parser.end());
  } catch (error) {
    if (!(error instanceof CheckFailure)) throw error;
    assert.ok(error.message.length < 400, error.message);
    return `${error.reason}: ${error.message}`;
  }
}

function shown({ status, headers, body }: Answer): string {
  assert.ok(status >= 101 && status <= 999);
  assert.ok(body.bytes <= needs.maxBytes);
  return JSON.stringify([status, [...headers], body.text(), body.isCut, body.digest()]);
}

const words = fc.constantFrom(
  ...[
    'HTTP/1.1 200 OK\r\n',
    'HTTP/1.0 301\n',
    'HTTP/1.1 100 Continue\r\n\r\n',
    'Content-Length: 5\r\n',
    'Content-Length: 5',
  ],
  ...[
    'Transfer-Encoding: chunked\r\n',
    'Transfer-Encoding: gzip\r\n',
    '5\r\nhello\r\n',
    '0\r\n',
    '\r\n',
    '\n',
    ' folded\r\n',
  ],
  ...['x: y\r\n', ': \r\n', 'ffffffffffff\r\n', '5;ext=1\r\n', 'HTTP/2 200\r\n', '\0'],
);
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc
    .array(fc.oneof({ weight: 5, arbitrary: words }, { weight: 1, arbitrary: fc.string({ maxLength: 9 }) }), {
      maxLength: 20,
    })
    .map((parts) => Buffer.from(parts.join(''), 'latin1')),
  fc.array(words, { maxLength: 12 }).map((parts) => Buffer.from(`HTTP/1.1 200 OK\r\n${parts.join('')}`, 'latin1')),
);

describe('the reader of answers by HTTP/1', () => {
  it('ends with an answer or a failure that has a name, whatever comes', () =>
    fc.assert(
      fc.property(bytes, (all) => {
        read([all]);
      }),
      RUNS,
    ));

  it('finds the same however the bytes are torn', () =>
    fc.assert(
      fc.property(bytes, fc.array(fc.nat(200), { maxLength: 8 }), (all, cuts) => {
        const at = [...new Set(cuts.filter((cut) => cut <= all.length))].sort((a, b) => a - b);
        const pieces = [0, ...at].map((from, index) => all.subarray(from, at[index]));
        const torn = read(pieces);
        const whole = read([all]);
        // What speaks another protocol is quoted as far as it has come.
        if (whole.startsWith('wrong answer: no answer of HTTP')) assert.match(torn, /^wrong answer: no answer of HTTP/);
        else assert.equal(torn, whole);
      }),
      RUNS,
    ));

  it('reads back the body that was written, as a length or in chunks', () =>
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.array(fc.integer({ min: 1, max: 20 })), (body, sizes) => {
        const chunks: Buffer[] = [];
        for (let at = 0, n = 0; at < body.length; n++) {
          const part = body.subarray(at, at + (sizes[n] ?? 64));
          at += part.length;
          chunks.push(Buffer.from(`${part.length.toString(16)}\r\n`), Buffer.from(part), Buffer.from('\r\n'));
        }
        const head = (field: string) => Buffer.from(`HTTP/1.1 200 OK\r\n${field}\r\n\r\n`);
        const texts = [
          read([head(`Content-Length: ${body.length}`), body]),
          read([head('Transfer-Encoding: chunked'), ...chunks, Buffer.from('0\r\n\r\n')]),
          read([head('Connection: close'), body]),
        ].map((text) => JSON.parse(text).slice(2));
        assert.deepEqual(texts[1], texts[0]);
        assert.deepEqual(texts[2], texts[0]);
        assert.equal(texts[0][0], Buffer.from(body).toString());
      }),
      RUNS,
    ));

  it('keeps no more of a header than its bound, in however many lines', () =>
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), (length) => {
        const line = Buffer.from(`${'x'.repeat(length)}: y\r\n`);
        const parser = new AnswerParser(needs);
        parser.take(Buffer.from('HTTP/1.1 200 OK\r\n'));
        const lines = Math.ceil(MAX_HEAD_BYTES / line.length);
        assert.throws(() => {
          for (let n = 0; n < lines; n++) parser.take(line);
        }, /^CheckFailure: a header of more than 32768 bytes$/);
      }),
      { numRuns: fuzzRuns(20) },
    ));
});
