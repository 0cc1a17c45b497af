import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { RulesError } from '../../lib/rules/errors.js';
import { OPTIONS } from '../../lib/rules/options.js';
import { parseMark, printMark } from '../../lib/rules/mark.js';
import { parseCommandLine } from '../../lib/rules/parse-command.js';
import { parseRules } from '../../lib/rules/parse-rules.js';
import { printCommand } from '../../lib/rules/print.js';
import { fuzzRuns } from '../support/fuzz-runs.js';
import { anyCommand, anyMarkCommand } from '../support/rules-arbitraries.js';

const support = { schedulers: ['rr', 'wlc'], sysctlNames: ['sloppy_tcp'] };

function parseAnything(text: string): void {
  try {
    parseRules(text, { file: 'any.rules', support, isTimed: true });
  } catch (error) {
    if (!(error instanceof RulesError)) throw error;
    assert.match(error.message, /^any\.rules:\d+: ./);
    assert.notEqual(error.ipvsadm.text, '');
  }
}

/** Pieces that get far into the grammar, in any order. */
const piece = fc.oneof(
  fc.constantFrom(...OPTIONS.map(({ long }) => `--${long}`)),
  fc.constantFrom(...OPTIONS.flatMap(({ short }) => (short ? [`-${short}`] : []))),
  fc.constantFrom(
    '192.0.2.1:80',
    '[2001:db8::1]:80',
    '10.0.0.11',
    '300',
    '-1',
    'rr',
    'wlc',
    'gue',
    'sh-port',
    '=',
    '--',
    '-',
  ),
  fc.constantFrom(
    'ipvsadm',
    'sysctl',
    'net.ipv4.vs.sloppy_tcp=1',
    'mark',
    'dst',
    'dport',
    '192.0.2.0/28:8000-8099',
    '@1.5',
    '@',
    '#',
    '"',
    "'",
    '\\',
    '\n',
    '__proto__',
    'constructor',
  ),
  fc.string({ maxLength: 6 }),
);

describe('any rule', () => {
  it('is the same after being printed and parsed', () => {
    fc.assert(
      fc.property(anyCommand, (command) => {
        const text = printCommand(command);
        assert.deepEqual(parseCommandLine(text), command, text);
      }),
      { numRuns: fuzzRuns(2000) },
    );
  });

  it('of a mark is the same after being printed and parsed', () => {
    fc.assert(
      fc.property(anyMarkCommand, (command) => {
        const [, ...words] = printMark(command).split(' ');
        assert.deepEqual(parseMark(words), command, words.join(' '));
      }),
      { numRuns: fuzzRuns(1000) },
    );
  });

  it('is read, or refused as a rule with its line, whatever the text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), parseAnything), { numRuns: fuzzRuns(1000) });
  });

  it('is read, or refused as a rule with its line, whatever options are thrown together', () => {
    const words = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(' '));
    fc.assert(fc.property(words, parseAnything), { numRuns: fuzzRuns(5000) });
  });
});
