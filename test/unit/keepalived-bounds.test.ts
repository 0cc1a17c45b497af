/** A short text can ask for much work: each way to do so is bounded, and refused with its line and its bound. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: keepalived's parameters look like this.
import { strict as assert } from 'node:assert';
import { parseKeepalived } from '../../lib/keepalived/parse-keepalived.js';
import { memoryFiles } from '../support/configs.js';

const PATH = '/etc/keepalived/any.conf';

function mistakesOf(text: string, others: Record<string, string> = {}): string[] {
  const files = memoryFiles({ ...others, [PATH]: text });
  const found = parseKeepalived(text, { path: PATH, files, id: 'main', source: ['192.0.2.250'] });
  return 'mistakes' in found ? found.mistakes.map(({ line, message }) => `${line}: ${message}`) : [];
}

const doubled = Array.from({ length: 12 }, (_, at) => `$A${at + 1}=\${A${at}}\${A${at}}`).join('\n');
const group = (addresses: number, services: number, servers = 1) => {
  const members = Array.from(
    { length: addresses },
    (_, at) => `10.${at >> 14}.${(at >> 7) & 127}.${2 * (at & 127)} 80`,
  );
  const real = Array.from({ length: servers }, (_, at) => `real_server 192.0.${at >> 8}.${at & 255} 80 { }`).join('\n');
  const service = `virtual_server group g {\nprotocol TCP\nlvs_method DR\n${real}\n}\n`;
  return `virtual_server_group g {\n${members.join('\n')}\n}\n${service.repeat(services)}`;
};

describe("the work that keepalived's configuration may ask for", function () {
  this.timeout(120_000);

  const bounds: [string, string, RegExp][] = [
    ['bytes', `#${'x'.repeat(60)}\n`.repeat(80_000), /^1: the files are larger than 4 MiB together$/],
    ['lines', '#\n'.repeat(600_000), /^500001: the files have more than 500000 lines$/],
    ['the length of a line', `router_id ${'x '.repeat(40_000)}`, /^1: the line is longer than 65536 characters$/],
    [
      'lines with something in them',
      'static_routes { }\n'.repeat(150_001),
      /^150001: there are more than 150000 lines$/,
    ],
    [
      'turns of loops in loops',
      '~SEQ(A,1,1000) ~SEQ(B,1,1000) $N=1',
      /^1: loops have more than 150000 turns together$/,
    ],
    ['turns of lists', `${'~LST(A,1,1,1,1,1,1,1,1) '.repeat(8)} $N=1`, /^1: loops have more than 150000 turns/],
    [
      'parameters',
      `$A0=\n${doubled}${'\n${A12}'.repeat(1000)}`,
      /^44: parameters are written out more than 250000 times$/,
    ],
    [
      'what parameters are written out to',
      `$X=${'x'.repeat(60_000)}\n${'$Y $X\n'.repeat(100)}`,
      /^\d+: parameters are written out to more than 4194304 characters$/,
    ],
    ['lines that include', 'include none.conf\n'.repeat(4001), /^4001: more than 4000 lines include files$/],
    ['services of a group', group(100, 41), /^\d+: here the services become more than 4096$/],
    ['servers of services', group(1, 3, 4096), /^\d+: here the real servers of all services become more than 8192$/],
    ['addresses', group(16_385, 1), /^\d+: here the addresses and ranges of groups become more than 16384$/],
  ];
  for (const [name, text, expected] of bounds)
    it(`bounds ${name}`, () => {
      const mistakes = mistakesOf(text);
      assert.ok(
        mistakes.some((mistake) => expected.test(mistake)),
        mistakes.slice(-3).join('\n'),
      );
    });

  it('bounds the names that patterns of includes look at', () => {
    const others = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`/etc/keepalived/d/${at}.txt`, '']));
    const mistakes = mistakesOf('include d/*.zz\n'.repeat(200), others);
    assert.match(mistakes.join('\n'), /includes look at more than 50000 names of files/);
  });

  it('ends at the thousandth mistake, with one line that says so', () => {
    const mistakes = mistakesOf('foo bar\n'.repeat(100_000));
    assert.equal(mistakes.length, 1001);
    assert.equal(mistakes.at(-1), '1000: there are too many mistakes, and reading ends here');
  });

  it('ends where one line makes the same mistake again and again', () => {
    const mistakes = mistakesOf('~SEQ(A,1,100000) foo');
    assert.equal(mistakes.length, 2);
    assert.equal(mistakes[1], '1: there are too many mistakes, and reading ends here');
  });

  it('names a thousand of the mistakes that the whole has, with one line that says so', () => {
    const mistakes = mistakesOf(group(60, 30));
    assert.equal(mistakes.length, 1001);
    assert.match(mistakes.at(-1) as string, /there are more than these$/);
  });
});
