import { strict as assert } from 'node:assert';
import { readdirSync } from 'node:fs';
import { golden, readGoldenJson } from './support/golden.js';
import { type ByteTrace, compareBytes } from './support/golden-bytes.js';

/** Not sent at all: the recorded director's own router wrote into these, and ours is the host's. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  'options-record-route': 'the router writes its address into the option',
  'options-timestamp': 'the router writes its clock into the option',
};

/** Where we do better than IPVS on purpose; docs/differences.md has the reasons at length. */
const DIFFERENT: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'encap-gue-fragments.json': {
    'udp-528-fragments-with-df': 'fragments that carry DF are forwarded as they are',
  },
};

const traces = readdirSync(golden).filter((file) => /^encap6?-.*\.json$/.test(file));

describe('what leaves the director', () => {
  for (const file of traces) {
    it(`is what left IPVS, byte for byte: ${file}`, async () => {
      const expected = Object.keys(DIFFERENT[file] ?? {});
      const trace = readGoldenJson(file) as ByteTrace;
      const { compared, differences } = await compareBytes(trace, (name) => LEFT_OUT[name] !== undefined);
      const unexpected = differences.filter(({ name }) => !expected.includes(name));
      const texts = unexpected.map(({ name, text }) => `\n== ${name}\n${text}`);
      assert.equal(
        unexpected.length,
        0,
        `${unexpected.length} of ${compared.length} cases of ${file} differ${texts.join('\n')}`,
      );
      const agreeing = expected.filter((name) => !differences.some((difference) => difference.name === name));
      assert.deepEqual(agreeing, [], 'these are listed as different, and are not');
    });
  }
});
