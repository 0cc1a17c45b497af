/**
 * Sends the packets of the recordings that have every byte through a director on a device: without the fast path, with
 * it at the device's egress, and with it where packets come in. What leaves has to be what left IPVS.
 */
import { strict as assert } from 'node:assert';
import { readGoldenJson } from '../support/golden.js';
import { byteFiles, LEFT_OUT, unexpectedIn } from '../support/golden-byte-files.js';
import { type ByteTrace, compareBytes } from '../support/golden-bytes.js';
import { type Mode, MODES } from '../support/golden-wire.js';
import { WireBytes } from '../support/golden-wire-bytes.js';
import { fastPathProblem } from '../support/fast-path.js';
import { describeLab } from '../support/lab.js';

/** Of packets that came again, at least this part goes by the program in the kernel. */
const LEAST_FAST = 0.4;

const problem = fastPathProblem();
const modes = problem === undefined ? MODES : (['off'] as const);

describeLab(`bytes that leave a device${problem === undefined ? '' : ` (without the fast path: ${problem})`}`, () => {
  let directors: WireBytes[] = [];

  before(async () => {
    directors = await Promise.all(modes.map((mode) => WireBytes.open(mode)));
  });

  after(() => Promise.all(directors.map((director) => director.close())));

  for (const file of byteFiles) {
    it(`are those that left IPVS, in every mode: ${file}`, async () => {
      const trace = readGoldenJson(file) as ByteTrace;
      await Promise.all(directors.map((director, index) => compare(director, modes[index] ?? 'off', file, trace)));
    });
  }
});

async function compare(director: WireBytes, mode: Mode, file: string, trace: ByteTrace): Promise<void> {
  await director.begin();
  const comparison = await compareBytes(director, trace, (name) => LEFT_OUT[name] !== undefined);
  assert.equal(unexpectedIn(file, comparison), '', mode);
  const [fast, again] = [await director.fastForwarded(), director.again];
  if (mode !== 'off') assert.ok(fast >= again * LEAST_FAST, `${mode}: ${again} came again, ${fast} were fast`);
  else assert.equal(fast, 0, mode);
}
