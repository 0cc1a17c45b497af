/** Prints results in the terminal. */
import { figureNumber, figureWords } from './figure-text.js';
import type { Machine } from './machine.js';
import { type Summary, summarize } from './statistics.js';
import type { Figures } from './subject.js';

export interface TrialResult {
  name: string;
  /** What the trial says of itself. */
  notes: readonly string[];
  /** The figures of each run, in order. */
  runs: Figures[];
  /** Median and spread by figure. */
  summaries: Record<string, Summary>;
}

export interface Report {
  machine: Machine;
  date: string;
  isQuick: boolean;
  trials: TrialResult[];
}

export function trialResult(name: string, runs: Figures[], notes: readonly string[] = []): TrialResult {
  return { name, notes, runs, summaries: summariesOf(runs) };
}

/** REQUIRES: at least one run. A figure that a run lacks is NaN. */
export function summariesOf(runs: readonly Figures[]): Record<string, Summary> {
  const names = Object.keys(runs[0] ?? {});
  const summaries = names.map((figure) => [figure, summarize(runs.map((run) => run[figure] ?? Number.NaN))] as const);
  return Object.fromEntries(summaries);
}

export function formatMachine({ cpu, cpus, memoryGiB, kernel, node, hypervisor, hugePages }: Machine): string {
  const virtual = hypervisor === 'yes' ? ', in a virtual machine' : '';
  return `${cpus} × ${cpu}, ${memoryGiB} GiB${virtual}; Linux ${kernel}, huge pages ${hugePages}; node ${node}`;
}

const WIDTH = 30;

export function formatTrial({ name, notes, runs, summaries }: TrialResult): string {
  const lines = Object.entries(summaries).map(
    ([figure, { median, min, max, deviation }]) =>
      `  ${figureWords(figure).padEnd(WIDTH)} ${figureNumber(median).padStart(11)}  ± ${figureNumber(deviation).padEnd(9)} (${figureNumber(min)} to ${figureNumber(max)})`,
  );
  const said = notes.map((note) => `  ${note}`);
  return [`${name}, ${runs.length} runs: median ± median deviation (least to most)`, ...said, ...lines].join('\n');
}
