/** tunvsadm's reader of answers: however the bytes are cut it yields the pieces, and damage is a failure by name. */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { ask, type Piece } from '../../lib/adm/ask.js';
import { AdmFailure } from '../../lib/adm/failure.js';
import { fuzzRuns } from '../support/fuzz-runs.js';

const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 30 }), fc.constantFrom('', '\n', '\u2028', '€', '"\\'));
const piece: fc.Arbitrary<Piece> = fc.oneof(
  text.map((out) => ({ out })),
  text.map((err) => ({ err })),
);

const answers = fc.record({
  pieces: fc.array(piece, { maxLength: 8 }),
  exit: fc.integer({ min: 0, max: 255 }),
  cuts: fc.array(fc.nat(), { maxLength: 6 }),
});

const bytesOf = (pieces: readonly Piece[]): Buffer =>
  Buffer.from(pieces.map((each) => `${JSON.stringify(each)}\n`).join(''));

describe('an answer to tunvsadm', () => {
  let folder: string;
  let socket: string;
  let chunks: Buffer[];
  let isCutOff: boolean;
  const server = createServer(async (request, response) => {
    request.resume();
    response.writeHead(200).flushHeaders();
    for (const chunk of chunks) {
      response.write(chunk);
      await setImmediate();
    }
    if (isCutOff) response.destroy();
    else response.end();
  });

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tunvs-adm-fuzz-'));
    socket = join(folder, 'd.sock');
    server.listen(socket);
    await once(server, 'listening');
  });

  after(() => {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  });

  /** The pieces that came, and what ended them. */
  async function read(bytes: Buffer, cuts: readonly number[], { cutOff = false } = {}) {
    const places = cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b);
    chunks = [0, ...places].map((from, index) => bytes.subarray(from, places[index]));
    isCutOff = cutOff;
    const pieces: Piece[] = [];
    try {
      for await (const each of ask(socket, '{}')) pieces.push(each);
      return { pieces };
    } catch (failure) {
      return { pieces, failure };
    }
  }

  it('is what the daemon said, wherever it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(answers, async ({ pieces, exit, cuts }) => {
        const whole = [...pieces, { exit }];
        assert.deepEqual(await read(bytesOf(whole), cuts), { pieces: JSON.parse(JSON.stringify(whole)) });
      }),
      { numRuns: fuzzRuns(300) },
    );
  });

  it('is never whole when its end is missing, and what came before it is kept', async () => {
    await fc.assert(
      fc.asyncProperty(answers, fc.nat(), fc.boolean(), async ({ pieces, exit, cuts }, at, cutOff) => {
        const bytes = bytesOf([...pieces, { exit }]);
        const part = bytes.subarray(0, at % bytes.length);
        const { pieces: seen, failure } = await read(part, cuts, { cutOff });
        assert.ok(failure instanceof AdmFailure && /ended before it had answered/.test(failure.message), `${failure}`);
        assert.deepEqual(seen, JSON.parse(JSON.stringify(pieces)).slice(0, seen.length));
        if (!cutOff) assert.equal(seen.length, part.toString('latin1').split('\n').length - 1);
      }),
      { numRuns: fuzzRuns(300) },
    );
  });

  it('that is damaged is read, or named as none of a daemon', async () => {
    let named = 0;
    await fc.assert(
      fc.asyncProperty(answers, fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 5 }), async (answer, at, put) => {
        const bytes = bytesOf([...answer.pieces, { exit: answer.exit }]);
        const place = at % bytes.length;
        const damaged = Buffer.concat([bytes.subarray(0, place), put, bytes.subarray(place + put.length)]);
        const { pieces, failure } = await read(damaged, answer.cuts);
        if (failure === undefined) return assert.ok('exit' in (pieces.at(-1) as Piece));
        assert.ok(failure instanceof AdmFailure && !/\n/.test(failure.message), `${failure}`);
        if (/does not answer as a tunvs daemon/.test(failure.message)) named++;
      }),
      { numRuns: fuzzRuns(300) },
    );
    assert.ok(named > 50, `${named}`);
  });
});
