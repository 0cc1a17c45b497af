/** What is made of keepalived's configuration: each sample has its result beside it, which a person has read. */
import { strict as assert } from 'node:assert';
import { parseConfig } from '../../lib/config/parse-config.js';
import { keepalivedSamples, madeOfSample, readSample, sampleExpected } from '../support/keepalived-samples.js';

describe("samples of keepalived's configuration", () => {
  it('are there', () => assert.ok(keepalivedSamples.length >= 7));

  for (const name of keepalivedSamples) {
    it(`make of ${name} what is beside it`, () => assert.equal(madeOfSample(name), sampleExpected(name)));

    it(`are read again as they are printed: ${name}`, () => {
      const found = readSample(name);
      if ('mistakes' in found) return;
      const printed = madeOfSample(name).replace(/^warning: .*\n/gm, '');
      const again = parseConfig(printed, { path: '/etc/keepalived/any.yaml' });
      assert.deepEqual('spec' in again ? again.spec : again.mistakes, found.spec);
    });

    it(`name the lines that values come from: ${name}`, () => {
      const found = readSample(name);
      if ('mistakes' in found) return;
      for (const [path, { file, line }] of found.origins) {
        assert.match(file, /^\/etc\/keepalived\//, path);
        assert.ok(line >= 1, path);
      }
      assert.ok(found.origins.has('services[0].servers[0].address'));
    });
  }
});
