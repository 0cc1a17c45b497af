/**
 * Puts figures of bench/results into pages, where marks say which:
 *
 *     takes <!-- = TRIAL FIGURE -->39<!-- / --> ns           the median of one figure, in two or three digits
 *     <!-- table WORDS: FIGURES --> ... <!-- / table -->     a row for each trial with these words
 *     <!-- sources WORDS --> ... <!-- / sources -->          where and when the results of such trials were taken
 *
 * Thread safety: pure functions. Invariants: what stands outside of the marks stays as it is.
 */
import { figureNumber, figureWords } from './figure-text.js';
import { sourcesOf } from './results-page.js';
import type { SavedTrial } from './results-file.js';

/** The pages with marks. */
export const FIGURE_PAGES = [
  'README.md',
  'docs/performance.md',
  'docs/tuning.md',
  'docs/fast-path.md',
  'docs/rings.md',
] as const;

/** Two digits below 100, else three: more would not come out again in the next run. */
export function quoted(value: number): string {
  const short = Number(value.toPrecision(Math.abs(value) < 100 ? 2 : 3));
  return short.toLocaleString('en-US', { maximumSignificantDigits: 3 });
}

const measure = (name: string) => `measure it with "npm run bench -- ${name}", or mend the mark`;

function figureOf(results: readonly SavedTrial[], mark: string): string {
  const at = mark.lastIndexOf(' ');
  const [name, figure] = [mark.slice(0, at), mark.slice(at + 1)];
  const found = results.find((each) => each.name === name);
  if (found === undefined) throw new Error(`bench/results has no trial "${name}": ${measure(name)}`);
  const summary = found.figures[figure];
  if (summary === undefined)
    throw new Error(`trial "${name}" has no figure "${figure}", but ${Object.keys(found.figures).join(', ')}`);
  return quoted(summary.median);
}

function withWords(results: readonly SavedTrial[], words: string): SavedTrial[] {
  const wanted = words.split(' ');
  const found = results.filter(({ name }) => wanted.every((word) => name.split(' ').includes(word)));
  if (found.length === 0) throw new Error(`bench/results has no trial with "${words}": ${measure(words)}`);
  return found;
}

function table(results: readonly SavedTrial[], words: string, figures: readonly string[]): string {
  const found = withWords(results, words).filter((each) => figures.every((figure) => figure in each.figures));
  if (found.length === 0) throw new Error(`no trial with "${words}" has the figures ${figures.join(', ')}`);
  const rows = found.map((each) => {
    const cells = figures.map((figure) => {
      const { median, deviation } = each.figures[figure] as SavedTrial['figures'][string];
      return `${figureNumber(median)} ± ${figureNumber(deviation)}`;
    });
    return [each.name, ...cells, `${each.runs}`];
  });
  const head = ['trial', ...figures.map(figureWords), 'runs'];
  const rule = head.map((_, index) => (index === 0 ? '---' : '---:'));
  return [head, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** Returns `text` with the figures of the results. Throws an error that names the trial which is missing. */
export function withFigures(text: string, results: readonly SavedTrial[]): string {
  return text
    .replaceAll(
      /(<!-- = ([^>]+) -->)[^<]*(<!-- \/ -->)/g,
      (_, begin: string, mark: string, end: string) => `${begin}${figureOf(results, mark)}${end}`,
    )
    .replaceAll(
      /(<!-- table ([^:>]+): ([^>]+) -->\n)[\s\S]*?(<!-- \/ table -->)/g,
      (_, begin: string, words: string, figures: string, end: string) =>
        `${begin}\n${table(results, words, figures.trim().split(/,\s+/))}\n\n${end}`,
    )
    .replaceAll(
      /(<!-- sources ([^>]+) -->\n)[\s\S]*?(<!-- \/ sources -->)/g,
      (_, begin: string, words: string, end: string) => `${begin}\n${sourcesOf(withWords(results, words))}\n\n${end}`,
    );
}
