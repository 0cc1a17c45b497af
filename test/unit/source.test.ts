import { strict as assert } from 'node:assert';
import { isSourceRange, parseSource, sourceFamily } from '../../lib/values/source.js';

describe('a source', () => {
  const read: [text: string, source: string, family: 4 | 6, isRange: boolean][] = [
    ['10.2.0.2', '10.2.0.2', 4, false],
    ['2001:DB8:0::1', '2001:db8::1', 6, false],
    ['10.2.1.0/28', '10.2.1.0/28', 4, true],
    ['10.2.1.7/32', '10.2.1.7', 4, false],
    ['10.0.0.0/8', '10.0.0.0/8', 4, true],
    ['2001:DB8::/64', '2001:db8::/64', 6, true],
    ['2001:db8::7/128', '2001:db8::7', 6, false],
  ];
  for (const [text, source, family, isRange] of read) {
    it(`may be ${text}`, () => {
      assert.deepEqual([parseSource(text), sourceFamily(source), isSourceRange(source)], [source, family, isRange]);
    });
  }

  const mistakes: [text: string, mistake: RegExp][] = [
    ['director.example.org', /is not an IP address: write one/],
    ['', /is not an IP address/],
    ['224.0.0.1', /is not unicast/],
    ['224.0.0.0/8', /is not unicast/],
    ['0.0.0.0/8', /is not unicast/],
    ['255.255.255.0/24', /is not unicast/],
    ['ff00::/16', /is not unicast/],
    ['::ffff:10.0.0.1', /is not unicast/],
    ['10.0.0.0/7', /has too short a prefix: write \/8 or longer/],
    ['2000::/15', /has too short a prefix: write \/16/],
    ['10.2.1.1/28', /write 10\.2\.1\.0\/28/],
    ['10.2.1.0/28/28', /is not a range/],
    ['10.2.1.0/x', /is not a range/],
  ];
  for (const [text, mistake] of mistakes) {
    it(`may not be "${text}"`, () => {
      const parsed = parseSource(text);
      assert.ok(typeof parsed !== 'string', String(parsed));
      assert.match(parsed.mistake, mistake);
    });
  }
});
