/**
 * Some thousand calls of ipvsadm 1.31, and what the program said before it asked the kernel, recorded with a kernel that
 * agrees to everything: an array a line, of the words, the exit status and stderr. The sync daemon is refused later, by
 * what this version supports, so it is compared as well.
 */
import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RulesError } from '../../lib/rules/errors.js';
import { parseCommand } from '../../lib/rules/parse-command.js';
import { golden } from '../support/golden.js';

type Recorded = [argv: string[], exitStatus: number, stderr: string];

const FILE = join(golden, '..', 'corpus', 'ipvsadm-calls.jsonl');
const recorded = readFileSync(FILE, 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Recorded);

/** Where we differ, by words of a call, and why. */
const DIFFERENT: [name: string, reason: string, isMeant: (argv: string[]) => boolean][] = [
  [
    'an address in another form than four numbers, or a port with a sign',
    'ipvsadm takes 256 for 0.0.1.0 and 10.0.0 for 10.0.0.0, which is a slip of the pen far more often than meant',
    (argv) =>
      argv.some((word) =>
        /(^|[=tur ])(\[\d+\.[\d.]+\]|0x[\d.]+|0\d[\d.]*|\d+(\.\d+){0,2})(:\d+)?$|:[+ ]\d+$/.test(word),
      ),
  ],
  [
    'an IPv6 address in brackets without a port',
    'ipvsadm refuses it, though it takes the address without brackets',
    (argv) => argv.some((word) => /\[[\da-f:]+\]$/.test(word)),
  ],
  [
    'a mask that is none',
    'ipvsadm takes 24 for 0.0.0.24, 64x for 64, and a mask that comes before its IPv6 service for one of IPv4',
    (argv) => argv.some((word) => word === '-M' || word.startsWith('-M') || word.startsWith('--netmask')),
  ],
];

function said(argv: readonly string[]): [exitStatus: number, stderr: string] {
  try {
    parseCommand(argv);
    return [0, ''];
  } catch (error) {
    if (!(error instanceof RulesError)) throw error;
    return [error.ipvsadm.exitStatus, error.ipvsadm.text];
  }
}

const reasonOf = (argv: string[]) => DIFFERENT.find(([, , isMeant]) => isMeant(argv));
const isSame = ([argv, exitStatus, stderr]: Recorded) => {
  const [ours, text] = said(argv);
  return ours === exitStatus && text === stderr;
};

describe("ipvsadm's recorded calls", () => {
  it('are many, and of every kind', () => {
    assert.ok(recorded.length > 2000);
    assert.deepEqual([...new Set(recorded.map(([, exitStatus]) => exitStatus))].sort(), [0, 2, 255]);
    assert.ok(new Set(recorded.map(([, , stderr]) => stderr)).size > 300);
  });

  it('are answered byte for byte, and with the same exit status', () => {
    const wrong = recorded.filter((call) => !isSame(call) && reasonOf(call[0]) === undefined);
    assert.deepEqual(
      wrong.slice(0, 20).map(([argv, ...theirs]) => ({ argv: argv.join(' '), ours: said(argv), theirs })),
      [],
    );
  });

  for (const [name, reason] of DIFFERENT)
    it(`are answered otherwise for ${name}: ${reason}`, () => {
      const meant = recorded.filter(([argv]) => reasonOf(argv)?.[0] === name);
      assert.ok(meant.some((call) => !isSame(call)));
    });
});
