/** npm run bench [-- WORDS] [--runs N] [--quick] [--json FILE] [--list] runs each trial in a process of its own. */
import { fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { machine } from './machine.js';
import { formatMachine, formatTrial, type Report, type TrialResult, trialResult } from './report.js';
import type { TrialRequest } from './run-trial.js';
import type { Figures } from './subject.js';
import { selectTrials, trials } from './trials.js';

const DEFAULT_RUNS = 7;
const QUICK_RUNS = 3;

function arguments_() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      runs: { type: 'string' },
      quick: { type: 'boolean', default: false },
      json: { type: 'string' },
      list: { type: 'boolean', default: false },
    },
  });
  const runs = Number(values.runs ?? (values.quick ? QUICK_RUNS : DEFAULT_RUNS));
  if (!Number.isInteger(runs) || runs < 1 || runs > 1000)
    throw new Error(`--runs: expected an integer from 1 to 1000, got ${values.runs}`);
  return { words: positionals, runs, isQuick: values.quick, jsonFile: values.json, isList: values.list };
}

/** Rejects when the trial's process fails or ends before its runs. */
function runTrial(request: TrialRequest): Promise<TrialResult> {
  const child = fork(new URL('run-trial.js', import.meta.url), [JSON.stringify(request)]);
  const runs: Figures[] = [];
  child.on('message', (figures) => runs.push(figures as Figures));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0 && runs.length === request.runs) resolve(trialResult(request.name, runs));
      else
        reject(
          new Error(
            `trial "${request.name}" ended after ${runs.length} of ${request.runs} runs (code ${code}, signal ${signal})`,
          ),
        );
    });
  });
}

async function main(): Promise<void> {
  const { words, runs, isQuick, jsonFile, isList } = arguments_();
  const selected = selectTrials(words);
  if (isList) {
    for (const { name, onDemand } of trials) console.log(onDemand ? `${name} (with the word ${onDemand})` : name);
    return;
  }
  if (selected.length === 0) throw new Error(`no trial's name holds ${words.join(' and ')}; --list shows them`);
  const report: Report = { machine: machine(), date: new Date().toISOString(), isQuick, trials: [] };
  console.log(formatMachine(report.machine));
  if (isQuick) console.log('quick: these runs are too short to be quoted');
  let failed = 0;
  for (const { name } of selected) {
    try {
      const result = await runTrial({ name, runs, isQuick });
      report.trials.push(result);
      console.log(`\n${formatTrial(result)}`);
    } catch (error) {
      failed += 1;
      console.error(`\n${(error as Error).message}`);
    }
  }
  if (jsonFile !== undefined) writeFileSync(jsonFile, `${JSON.stringify(report, undefined, 2)}\n`);
  if (failed > 0) process.exitCode = 1;
}

main().catch((error: Error) => {
  console.error(`benchmark: ${error.message}`);
  process.exitCode = 2;
});
