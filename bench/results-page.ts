/**
 * Writes the page of bench/results, README.md, and its pictures from the result files. A test holds them to what is
 * checked in.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { figureNumber, figureWords } from './figure-text.js';
import { drawnPlots } from './plots.js';
import { formatMachine } from './report.js';
import { groupOf, readResults, RESULTS_FOLDER, type SavedTrial } from './results-file.js';

const INTRODUCTION = `# Results

\`npm run bench\` writes this page, its pictures and the files beside it; [docs/performance.md](../../docs/performance.md)
says what they mean. Each trial ran in a process of its own: once to warm up, then as often as its row says. A figure is
the median of the runs, ± the median of their distances from it, and from the least to the most. Ratios travel to other
machines; nanoseconds do not.
`;

const LINE_WIDTH = 120;

/** Cells must not end early. */
const cell = (text: string) => text.replaceAll('|', '\\|');

/** Returns a table of what the trials gave, a row for each figure. */
export function resultsTable(results: readonly SavedTrial[]): string {
  const rows = results.flatMap(({ name, runs, figures }) =>
    Object.entries(figures).map(([figure, { median, deviation, min, max }], index) => {
      const trial = index === 0 ? `${name} (${runs} ${runs === 1 ? 'run' : 'runs'})` : '';
      const spread = `± ${figureNumber(deviation)} | ${figureNumber(min)} to ${figureNumber(max)}`;
      return `| ${cell(trial)} | ${cell(figureWords(figure))} | ${figureNumber(median)} | ${spread} |`;
    }),
  );
  return ['| trial | figure | median | spread | range |', '| --- | --- | ---: | ---: | ---: |', ...rows].join('\n');
}

/** Breaks an item of a list into lines. */
function wrapped(item: string): string {
  const lines = [''];
  for (const word of item.split(' ')) {
    const line = lines.at(-1) as string;
    if (line === '') lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= LINE_WIDTH) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(`  ${word}`);
  }
  return lines.join('\n');
}

/** Says where and from what results were taken, a line for each machine and revision. */
export function sourcesOf(results: readonly SavedTrial[]): string {
  const loads = new Map<string, number[]>();
  for (const { date, commit, isChanged, machine, isQuick, load } of results) {
    const changed = isChanged ? ' with changes' : '';
    const quick = isQuick ? '; quick, not to be quoted' : '';
    const line = `- ${date.slice(0, 10)}, commit ${commit}${changed}: ${formatMachine(machine)}${quick}`;
    loads.set(line, [...(loads.get(line) ?? []), ...(load === undefined ? [] : [load])]);
  }
  return [...loads].map(([line, all]) => wrapped(`${line}${loadWords(all)}`)).join('\n');
}

/** A load average above 1 before a run means that something else ran, too. */
function loadWords(loads: readonly number[]): string {
  if (loads.length === 0) return '';
  const [least, most] = [Math.min(...loads), Math.max(...loads)].map((load) => load.toFixed(1));
  return least === most ? `; load average before ${least}` : `; load average before ${least} to ${most}`;
}

function section(group: string, results: readonly SavedTrial[]): string {
  const notes = results.flatMap(({ name, notes }) => notes.map((note) => wrapped(`- ${name}: ${note}`)));
  const parts = [
    `## ${group}`,
    sourcesOf(results),
    resultsTable(results),
    ...(notes.length > 0 ? [notes.join('\n')] : []),
  ];
  return `${parts.join('\n\n')}\n`;
}

/** Returns the files that belong beside the results, by name. */
export function resultsPage(results: readonly SavedTrial[]): Map<string, string> {
  const groups = [...new Set(results.map(({ name }) => groupOf(name)))];
  const drawn = drawnPlots(results);
  const pictures = [...drawn].map(([file, { plot }]) => `![${plot.title}](${file})\n`);
  const sections = groups.map((group) =>
    section(
      group,
      results.filter(({ name }) => groupOf(name) === group),
    ),
  );
  const files = new Map([...drawn].map(([file, { svg }]) => [file, svg]));
  return files.set('README.md', [INTRODUCTION, ...pictures, ...sections].join('\n'));
}

/** Writes them; returns the page's path. */
export function writeResultsPage(folder = RESULTS_FOLDER): string {
  for (const [name, text] of resultsPage(readResults(folder))) writeFileSync(join(folder, name), text);
  return join(folder, 'README.md');
}
