/**
 * Runs trials in two trees in turn, here and where another revision is built, and prints the ratios:
 * node dist/bench/compare.js TREE NAME [WORDS and options of npm run bench]. The script bench.js builds TREE first.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { figureNumber, figureWords } from './figure-text.js';
import { type BenchArguments, loadReader } from './given-arguments.js';
import { machine } from './machine.js';
import { type Pair, type Ratio, ratiosOf } from './paired.js';
import { Progress } from './progress.js';
import { formatMachine } from './report.js';
import type { TrialRequest } from './run-trial.js';
import { selected } from './selection.js';
import type { Figures } from './subject.js';
import { HERE, runTrial } from './trial-process.js';

/** Runs a trial once in a tree, in a fresh process. */
export type RunOnce = (tree: string, request: TrialRequest) => Promise<Figures>;

const runOnce: RunOnce = async (tree, request) => {
  const { runs } = await runTrial(request, { tree });
  return runs[0] as Figures;
};

export interface Trees {
  before: string;
  after: string;
}

/** Returns the pairs of a trial. The order is A B, B A, A B, ..., so that drift affects both alike. */
export async function pairsOf(
  trees: Trees,
  { name, runs, isQuick }: TrialRequest,
  { run = runOnce, progress = (_done: number) => {} } = {},
): Promise<Pair[]> {
  const pairs: Pair[] = [];
  for (let index = 0; index < runs; index += 1) {
    progress(index);
    const once = (tree: string) => run(tree, { name, runs: 1, isQuick });
    if (index % 2 === 0) {
      const before = await once(trees.before);
      pairs.push({ before, after: await once(trees.after) });
    } else {
      const after = await once(trees.after);
      pairs.push({ before: await once(trees.before), after });
    }
  }
  return pairs;
}

/** Returns the names of the trials in what `benchmark.js --list` prints. */
export const namesIn = (list: string) =>
  new Set(list.split('\n').map((line) => line.replace(/ \(with the word [^)]*\)$/, '')));

export function formatRatios(name: string, pairs: number, ratios: readonly Ratio[]): string {
  const lines = ratios.map(({ figure, before, after, ratio, low, high, verdict }) => {
    const said = verdict === 'noise' ? 'within noise' : verdict === 'different' ? '' : verdict;
    const text = `  ${figureWords(figure).padEnd(30)} ${figureNumber(before).padStart(11)} ${figureNumber(after).padStart(11)}`;
    return `${text}   ${ratio.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})  ${said}`.trimEnd();
  });
  return [`${name}, ${pairs} pairs: before, after, ratio (between)`, ...lines].join('\n');
}

async function compareAll(trees: Trees, label: string, { words, runs, isQuick, jsonFile }: BenchArguments) {
  const list = execFileSync(process.execPath, [join(trees.before, 'dist', 'bench', 'benchmark.js'), '--list'], {
    cwd: trees.before,
    encoding: 'utf8',
  });
  const known = namesIn(list);
  const compared: object[] = [];
  const progress = new Progress();
  for (const { name } of selected(words)) {
    if (!known.has(name)) {
      console.log(`\n${name}: skipped, as ${label} has no such trial`);
      continue;
    }
    try {
      const say = (done: number) => progress.show(`${name}: pair ${done + 1} of ${runs}`);
      const pairs = await pairsOf(trees, { name, runs, isQuick }, { progress: say });
      const ratios = ratiosOf(pairs);
      progress.clear();
      console.log(`\n${formatRatios(name, pairs.length, ratios)}`);
      compared.push({ name, ratios, pairs });
    } catch (error) {
      progress.clear();
      console.error(`\n${(error as Error).message}`);
      process.exitCode = 1;
    }
  }
  if (jsonFile === undefined) return;
  const report = { machine: machine(), date: new Date().toISOString(), revision: label, isQuick, trials: compared };
  writeFileSync(jsonFile, `${JSON.stringify(report, undefined, 2)}\n`);
}

async function main(): Promise<void> {
  const [tree, label, ...args] = process.argv.slice(2);
  if (tree === undefined || label === undefined) throw new Error('run it by "npm run bench -- compare REVISION"');
  const { benchArguments } = await loadReader();
  const given = benchArguments(args);
  console.log(formatMachine(machine()));
  console.log(`before is ${label}; after is this tree; ratios above 1 mean that the figure has grown`);
  if (given.isQuick) console.log('quick: these runs are too short to be quoted');
  await compareAll({ before: tree, after: HERE }, label, given);
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  main().catch((error: Error) => {
    console.error(`benchmark: compare: ${error.message}`);
    process.exitCode = 2;
  });
