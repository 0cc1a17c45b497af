/**
 * npm run bench [-- WORDS] [--runs N] [--quick] [--json FILE] [--out FOLDER] [--list] runs each trial in a process of its
 * own, prints its figures and puts them into bench/results. Options: scripts/lib/bench-arguments.js.
 */
import { writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { labProblem } from '../lib/lab/isolation.js';
import { type BenchArguments, loadReader } from './given-arguments.js';
import { machine } from './machine.js';
import { Progress } from './progress.js';
import { formatMachine, formatTrial, type Report, type TrialResult, trialResult } from './report.js';
import { RESULTS_FOLDER, saveTrial } from './results-file.js';
import { revision } from './revision.js';
import { listed, selected } from './selection.js';
import { subjectsInLabs } from './subjects/labs.js';
import { runTrial } from './trial-process.js';
import type { Trial } from './trials.js';
import { writeResultsPage } from './results-page.js';

/** Leaves out what needs a lab where none can be built, and says so. Throws when nothing is left. */
function possible(trials: readonly Trial[]): Trial[] {
  const problem = trials.some(({ subject }) => subjectsInLabs.has(subject)) ? labProblem() : undefined;
  if (problem === undefined) return [...trials];
  const left = trials.filter(({ subject }) => !subjectsInLabs.has(subject));
  if (left.length === 0) throw new Error(`these trials need network namespaces: ${problem}`);
  console.error(`${trials.length - left.length} trials in network namespaces are left out: ${problem}`);
  return left;
}

/** Runs the trials in turn. Returns the results of those that did not fail. */
async function runAll(
  trials: readonly Trial[],
  { runs, isQuick }: BenchArguments,
  save: (result: TrialResult, load: number) => void,
) {
  const progress = new Progress();
  const results: TrialResult[] = [];
  for (const [index, { name }] of trials.entries()) {
    const say = (done: number) =>
      progress.show(`[${index + 1}/${trials.length}] ${name}: run ${Math.min(done + 1, runs)} of ${runs}`);
    say(0);
    const load = loadavg()[0] ?? 0;
    try {
      const { runs: figures, notes } = await runTrial({ name, runs, isQuick }, { progress: say });
      const result = trialResult(name, figures, notes);
      progress.clear();
      console.log(`\n${formatTrial(result)}`);
      results.push(result);
      save(result, load);
    } catch (error) {
      progress.clear();
      console.error(`\n${(error as Error).message}`);
      process.exitCode = 1;
    }
  }
  return results;
}

async function main(): Promise<void> {
  const { benchArguments, HELP } = await loadReader();
  const given = benchArguments(process.argv.slice(2));
  if (given.isHelp) return void process.stdout.write(HELP);
  if (given.revision !== undefined) throw new Error('compare runs by "npm run bench -- compare REVISION"');
  const trials = selected(given.words);
  if (given.isList) return void process.stdout.write(listed());
  const wanted = possible(trials);
  const report: Report = { machine: machine(), date: new Date().toISOString(), isQuick: given.isQuick, trials: [] };
  console.log(formatMachine(report.machine));
  if (given.isQuick) console.log('quick: these runs are too short to be quoted');
  const folder = given.outFolder ?? (given.isQuick ? undefined : RESULTS_FOLDER);
  const from = revision();
  report.trials = await runAll(wanted, given, ({ name, notes, runs, summaries }, load) => {
    if (folder === undefined) return;
    const taken = { date: new Date().toISOString(), ...from, machine: report.machine, load, isQuick: given.isQuick };
    saveTrial({ name, ...taken, notes: [...notes], runs: runs.length, figures: summaries }, folder);
  });
  if (given.jsonFile !== undefined) writeFileSync(given.jsonFile, `${JSON.stringify(report, undefined, 2)}\n`);
  if (folder !== undefined && report.trials.length > 0) console.log(`\nwritten: ${writeResultsPage(folder)}`);
}

main().catch((error: Error) => {
  console.error(error.message.startsWith('benchmark: ') ? error.message : `benchmark: ${error.message}`);
  process.exitCode = 2;
});
