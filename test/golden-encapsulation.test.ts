import { strict as assert } from 'node:assert';
import { readGoldenJson } from './support/golden.js';
import { type ByteTrace, compareBytes, offline } from './support/golden-bytes.js';
import { byteFiles, DIFFERENT, LEFT_OUT, unexpectedIn } from './support/golden-byte-files.js';
import { GoldenDirector } from './support/golden-director.js';

describe('what leaves the director', () => {
  for (const file of byteFiles) {
    it(`is what left IPVS, byte for byte: ${file}`, async () => {
      await using director = new GoldenDirector();
      const trace = readGoldenJson(file) as ByteTrace;
      const comparison = await compareBytes(offline(director), trace, (name) => LEFT_OUT[name] !== undefined);
      assert.equal(unexpectedIn(file, comparison), '');
      const agreeing = Object.keys(DIFFERENT[file] ?? {}).filter(
        (name) => !comparison.differences.some((difference) => difference.name === name),
      );
      assert.deepEqual(agreeing, [], 'these are listed as different, and are not');
    });
  }
});
