import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { trials } from '../../bench/trials.js';

const bench = (...args: string[]) =>
  spawnSync(process.execPath, [join('scripts', 'bench.js'), ...args], { encoding: 'utf8' });

interface Reader {
  benchArguments(args: readonly string[]): Record<string, unknown>;
}

const READER = new URL('../../../scripts/lib/bench-arguments.js', import.meta.url);

describe('npm run bench', () => {
  let read: Reader['benchArguments'];

  before(async () => {
    ({ benchArguments: read } = (await import(READER.href)) as Reader);
  });

  it('teaches its words and options without building, and names every subject', () => {
    const { status, stdout, stderr } = bench('--help');
    assert.deepEqual([status, stderr], [0, '']);
    const [, named = ''] = /subject: ([^.]*)\./.exec(stdout) ?? [];
    assert.deepEqual(new Set(named.split(/,\s/)), new Set(trials.map(({ name }) => name.split(' ')[0])));
  });

  it('refuses an option that there is not before it builds', () => {
    const { status, stdout, stderr } = bench('--hepl');
    assert.deepEqual([status, stdout], [1, '']);
    assert.match(stderr, /--hepl.*--help shows what there is/);
  });

  it('reads words, options and revisions', () => {
    const usual = { revision: undefined, runs: 7, isQuick: false, jsonFile: undefined, outFolder: undefined };
    assert.deepEqual(read(['memory', '64k']), { ...usual, words: ['memory', '64k'], isList: false, isHelp: false });
    const compared = read(['compare', 'HEAD~1', 'memory', '--quick', '--json', 'a.json']);
    assert.deepEqual(
      [compared.revision, compared.words, compared.runs, compared.isQuick, compared.jsonFile],
      ['HEAD~1', ['memory'], 3, true, 'a.json'],
    );
    assert.equal(read(['--quick', '--runs', '5']).runs, 5);
  });

  const mistakes: Record<string, [string[], RegExp]> = {
    'no runs': [['--runs', '0'], /--runs: expected an integer from 1 to 1000, got "0"/],
    'too many runs': [['--runs', '1001'], /--runs: expected/],
    'runs that are no number': [['--runs', 'many'], /got "many"/],
    'runs that are empty': [['--runs', ''], /got ""/],
    'a path that is empty': [['--out', ''], /--out: expected a path/],
    'no revision': [['compare'], /say which revision/],
    'a list of what is compared': [['compare', 'HEAD', '--list'], /leave out "compare"/],
    'results of what is compared': [['compare', 'HEAD', '--out', 'x'], /--json FILE/],
  };
  for (const [what, [args, sentence]] of Object.entries(mistakes))
    it(`refuses ${what}`, () => assert.throws(() => read(args), sentence));

  it('loads the trials without the addon, so that words are checked before it is built', () => {
    const script = `await import(${JSON.stringify(new URL('../../bench/selection.js', import.meta.url).href)});
      console.log(process.report.getReport().sharedObjects.filter((path) => path.endsWith('tunvs.node')).length)`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
    assert.deepEqual([stdout, stderr], ['0\n', '']);
  });
});
