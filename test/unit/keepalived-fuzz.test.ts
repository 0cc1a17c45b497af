/** Whatever the text, keepalived's configuration is read or its mistakes are named, each within its file, and soon. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: keepalived's parameters look like this.
import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { parseKeepalived } from '../../lib/keepalived/parse-keepalived.js';
import { globalKeywords } from '../../lib/keepalived/keywords/global.js';
import { topKeywords } from '../../lib/keepalived/keywords/index.js';
import type { Keywords } from '../../lib/keepalived/keywords/keyword.js';
import { memoryFiles } from '../support/configs.js';
import { fuzzRuns } from '../support/fuzz-runs.js';
import { keepalivedLines } from '../support/keepalived-lines.js';
import { keepalivedSamples, sampleText } from '../support/keepalived-samples.js';

const PATH = '/etc/keepalived/any.conf';
const OTHERS = {
  '/etc/keepalived/a.conf': '$INCLUDED=1\nvirtual_server 192.0.2.77 80 {\n',
  '/etc/keepalived/parts/b.part': 'include ../any.conf\n}\n',
  '/etc/passwd': 'root:x:0:0::/root:/bin/sh\n',
  '/etc/group': 'root:x:0:\n',
};
const LIMITS = { characters: 2 ** 20, lines: 20_000, replacements: 50_000 };

function check(text: string | Uint8Array): void {
  const shown = typeof text === 'string' ? text : new TextDecoder().decode(text);
  const files = memoryFiles({ ...OTHERS, [PATH]: shown });
  const begin = process.cpuUsage();
  const found = parseKeepalived(text, {
    path: PATH,
    files,
    id: 'main',
    source: ['192.0.2.250', '2001:db8::1'],
    limits: LIMITS,
  });
  const { user, system } = process.cpuUsage(begin);
  assert.ok(user + system < 5e6, 'it took more than five seconds of a CPU');
  const lines = shown.split(/\r\n|\n|\r/).length;
  const mistakes = 'mistakes' in found ? found.mistakes : [];
  if ('mistakes' in found) assert.ok(mistakes.length > 0, 'neither a spec nor a mistake');
  for (const { file, line, message, mend } of [...mistakes, ...found.warnings]) {
    assert.ok(message !== '' && mend !== '');
    if (file === PATH) assert.ok(line >= 1 && line <= lines, `line ${line} of ${lines}: ${message}`);
  }
}

const word = fc.oneof(
  fc.constantFrom(
    '192.0.2.1',
    '198.51.100.2',
    '2001:db8::5',
    '80',
    '0',
    '-1',
    '1.5',
    '65536',
    '4294967296',
    'on',
    'no',
    '/',
    '"a b"',
    "'c d'",
  ),
  fc.constantFrom(
    'DR',
    'TUN',
    'NAT',
    'type',
    'gue',
    'port',
    'csum',
    'TCP',
    'udp',
    'fwmark',
    'group',
    'g',
    'inet6',
    'wrr',
    'sh',
    'root',
    '10.0.0.1-9',
  ),
  fc.constantFrom(
    '$A',
    '${A}',
    '${_PWD}',
    '${_RANDOM 1 2}',
    '"',
    "'",
    '\\',
    '{',
    '}',
    '~SEQ(A,1,3)',
    '~LST(A,1,2)',
    '@main',
    '@^main',
    '#',
    '!',
  ),
  fc.string({ maxLength: 8 }),
);

/** Statements of a block, mostly as the tables have them. */
function statements(table: Keywords, depth: number): fc.Arbitrary<string> {
  const names = Object.keys(table);
  const one = fc.constantFrom(...names).chain((name) => {
    const inside = table[name]?.block;
    const line = fc.array(word, { maxLength: 4 }).map((words) => `${name} ${words.join(' ')}`);
    if (inside === undefined || depth > 4) return line;
    const body =
      inside === 'lines'
        ? fc.array(word, { maxLength: 5 }).map((words) => words.join('\n'))
        : statements(inside, depth + 1);
    return fc.tuple(line, body, fc.constantFrom('\n}', '}', '')).map(([head, text, end]) => `${head} {\n${text}${end}`);
  });
  return fc.array(one, { maxLength: 6 }).map((lines) => lines.join('\n'));
}

const lvs = {
  virtual_server: topKeywords.virtual_server,
  virtual_server_group: topKeywords.virtual_server_group,
} as Keywords;

describe("any text as keepalived's configuration", function () {
  this.timeout(120_000);

  it('is read or refused when it is made of its keywords', () => {
    const text = fc.oneof(statements(topKeywords, 0), statements(lvs, 0), statements(globalKeywords, 0));
    fc.assert(fc.property(text, check), { numRuns: fuzzRuns(300) });
  });

  it('is read or refused when it is made of its signs', () => {
    const sign = fc.oneof(
      fc.constantFrom(
        '$A=',
        '$A',
        '${A}',
        ' \\\n',
        '\n',
        '~SEQ(A,',
        '~SEQx(',
        '~LST({A,B},',
        '1,',
        '3)',
        '{1,2}',
        ') ',
        '@main ',
        '@',
      ),
      fc.constantFrom(
        'include ',
        'includea ',
        '*.conf',
        'parts/*',
        '{a,b}.conf',
        'any.conf',
        '"',
        '{',
        '}',
        '#',
        '\0',
        '\r',
        '\t',
        '\uFEFF',
      ),
      fc.constantFrom('virtual_server ', 'real_server ', '192.0.2.1 ', '80 ', 'TCP_CHECK ', 'weight '),
    );
    const text = fc.array(sign, { maxLength: 60 }).map((signs) => signs.join(''));
    fc.assert(fc.property(text, check), { numRuns: fuzzRuns(500) });
  });

  it('is read or refused when it is a sample with bytes changed', () => {
    const seeds = [...keepalivedSamples.map(sampleText), ...keepalivedLines.map(([, text]) => text)];
    const change = fc.record({ at: fc.nat(5000), remove: fc.nat(20), bytes: fc.uint8Array({ maxLength: 6 }) });
    fc.assert(
      fc.property(fc.constantFrom(...seeds), fc.array(change, { minLength: 1, maxLength: 4 }), (seed, changes) => {
        let bytes = Buffer.from(seed);
        for (const { at, remove, bytes: more } of changes) {
          const begin = at % (bytes.length + 1);
          bytes = Buffer.concat([bytes.subarray(0, begin), more, bytes.subarray(begin + remove)]);
        }
        check(new Uint8Array(bytes));
      }),
      { numRuns: fuzzRuns(300) },
    );
  });

  it('is read or refused when it is any bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), check), { numRuns: fuzzRuns(300) });
  });

  it('takes time that grows with its length, whatever repeats', () => {
    const pieces = [
      '{',
      '}',
      '"',
      '$A ',
      '${A}',
      '$A=$A\n',
      '~SEQ(A,1,2)',
      '~LST(A,1,2)',
      '@main ',
      '\\',
      '#',
      'x ',
      'a{',
      '${',
      '(',
      '{a,',
    ];
    for (const piece of [...pieces, 'virtual_server 1 {\n', 'include *{a,b}\n', 'include a.conf\n', '$M= \\\n']) {
      check(piece.repeat(20_000));
      check(`$A=1\n${piece.repeat(20_000)}`);
      check(`virtual_server 192.0.2.1 80 {\nreal_server 192.0.2.2 80 {\n${piece.repeat(20_000)}`);
    }
  });

  it('takes thousands of virtual servers', () => {
    const text = `$VS= \\
virtual_server 10.\${A}.\${B}.1 80 { \\
  protocol TCP \\
  lvs_method DR \\
  ~SEQ(C, 2, 5) real_server 10.\${A}.\${B}.\${C} 80 { TCP_CHECK { } } \\
}
~SEQ(A, 0, 7) ~SEQ(B, 0, 255) $VS`;
    const found = parseKeepalived(text, { path: PATH, files: memoryFiles(OTHERS), source: ['192.0.2.250'] });
    assert.equal('spec' in found && found.spec.services?.length, 2048);
  });
});
