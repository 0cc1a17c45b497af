/** The command line of npm run bench. What is wrong with it shows before anything is built. */
import { parseArgs } from 'node:util';
import { Failure } from './run.js';

export const HELP = `Usage: npm run bench [-- WORDS] [--runs N] [--quick] [--json FILE] [--out FOLDER] [--list]
       npm run bench -- compare REVISION [WORDS] [--runs N] [--quick] [--json FILE]

Runs the trials whose names hold every word, each in a process of its own. It builds first what is out of date. The
results go to bench/results, with a page and pictures, in place of what the same trials gave before.

compare builds REVISION in a folder under build/ and runs each trial there and here in turn, in fresh processes. It
shows the ratio of each figure, here to there, and says which differences are within the noise.

  --runs N      runs each trial N times, or N pairs, 1 to 1000 (7, or 3 with --quick)
  --quick       makes the runs short: their figures are not to be quoted, and bench/results stays as it is
  --json FILE   writes the figures of every run to FILE as well
  --out FOLDER  writes the results to FOLDER in place of bench/results, quick ones too
  --list        lists the trials, and the words that some of them want
  --help        prints this

Names begin with the subject: memory, lookup, idle, attack, device, fast, latency, bulk, control, js, policy, health,
peers, schedulers.

  npm run bench -- memory established uniform
  npm run bench -- js
  npm run bench -- health --quick
  npm run bench -- compare HEAD~3 memory 64k
`;

const DEFAULT_RUNS = 7;
const QUICK_RUNS = 3;
const flag = { type: 'boolean', default: false };
const text = { type: 'string' };
const options = { runs: text, json: text, out: text, quick: flag, list: flag, help: { ...flag, short: 'h' } };
const hint = 'npm run bench -- --help shows what there is';

/**
 * Returns what is asked for: { words, revision, runs, isQuick, jsonFile, outFolder, isList, isHelp }. `revision` is
 * undefined unless revisions are compared. Throws a Failure that names what is wrong.
 */
export function benchArguments(args) {
  const { values, positionals } = parsed(args);
  const runs = Number(values.runs ?? (values.quick ? QUICK_RUNS : DEFAULT_RUNS));
  if (values.runs === '' || !Number.isInteger(runs) || runs < 1 || runs > 1000)
    throw new Failure(`benchmark: --runs: expected an integer from 1 to 1000, got "${values.runs}"`);
  for (const name of ['json', 'out'])
    if (values[name] === '') throw new Failure(`benchmark: --${name}: expected a path, got ""`);
  const isCompare = positionals[0] === 'compare';
  const [revision, words] = isCompare ? [positionals[1], positionals.slice(2)] : [undefined, positionals];
  if (isCompare && !values.help) checkCompare(revision, values);
  return {
    ...{ words, revision, runs, isQuick: values.quick, jsonFile: values.json },
    ...{ outFolder: values.out, isList: values.list, isHelp: values.help },
  };
}

function parsed(args) {
  try {
    return parseArgs({ args, allowPositionals: true, options });
  } catch (error) {
    throw new Failure(`benchmark: ${error.message}; ${hint}`);
  }
}

function checkCompare(revision, { list, out }) {
  if (revision === undefined || revision === '')
    throw new Failure(`benchmark: compare: say which revision, as in "npm run bench -- compare HEAD~1"; ${hint}`);
  if (list) throw new Failure('benchmark: compare has no --list: leave out "compare" to list the trials');
  if (out !== undefined) throw new Failure('benchmark: compare keeps no results: write them with --json FILE');
}
