/** Prints results. */
import type { Machine } from './machine.js';
import { type Summary, summarize } from './statistics.js';
import type { Figures } from './subject.js';

export interface TrialResult {
  name: string;
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

export function trialResult(name: string, runs: Figures[]): TrialResult {
  const names = Object.keys(runs[0] ?? {});
  const summaries = names.map((figure) => [figure, summarize(runs.map((run) => run[figure] ?? Number.NaN))] as const);
  return { name, runs, summaries: Object.fromEntries(summaries) };
}

export function formatMachine({ cpu, cpus, memoryGiB, kernel, node, hypervisor, hugePages }: Machine): string {
  const virtual = hypervisor === 'yes' ? ', in a virtual machine' : '';
  return `${cpus} × ${cpu}, ${memoryGiB} GiB${virtual}; Linux ${kernel}, huge pages ${hugePages}; node ${node}`;
}

const WIDTH = 30;

export function formatTrial({ name, runs, summaries }: TrialResult): string {
  const lines = Object.entries(summaries).map(
    ([figure, { median, min, max, deviation }]) =>
      `  ${words(figure).padEnd(WIDTH)} ${number(median).padStart(11)}  ± ${number(deviation).padEnd(9)} (${number(min)} to ${number(max)})`,
  );
  return [`${name}, ${runs.length} runs: median ± median deviation (least to most)`, ...lines].join('\n');
}

/** Turns nsPerPacket into ns per packet. */
function words(figure: string): string {
  return figure.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** Shows three to four significant figures. */
function number(value: number): string {
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en-US');
  return value.toFixed(Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 3);
}
