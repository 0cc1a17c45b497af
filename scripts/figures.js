/**
 * node scripts/figures.js [--check]: puts the figures of bench/results into README.md and some pages of docs/, and makes
 * the page and the pictures in bench/results; or says which of them differ. Nothing is measured.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Failure, main, root } from './lib/run.js';

const built = (name) => import(pathToFileURL(join(root, 'dist', 'bench', `${name}.js`)).href);

/** Returns what each page and picture has to be, by path. */
async function wanted() {
  if (!existsSync(join(root, 'dist', 'bench', 'figures.js')))
    throw new Failure('the benchmark is not compiled: run "npm run build:ts" first');
  const { FIGURE_PAGES, withFigures } = await built('figures');
  const { readResults } = await built('results-file');
  const { resultsPage } = await built('results-page');
  try {
    const results = readResults();
    const pages = FIGURE_PAGES.map((path) => [path, withFigures(readFileSync(join(root, path), 'utf8'), results)]);
    return [...pages, ...[...resultsPage(results)].map(([name, text]) => [`bench/results/${name}`, text])];
  } catch (error) {
    throw new Failure(error.message);
  }
}

await main(async () => {
  const files = await wanted();
  const isAsWanted = ([path, text]) => existsSync(join(root, path)) && readFileSync(join(root, path), 'utf8') === text;
  const different = files.filter((file) => !isAsWanted(file));
  if (!process.argv.includes('--check')) {
    for (const [path, text] of different) writeFileSync(join(root, path), text);
    return;
  }
  if (different.length > 0) {
    const names = different.map(([path]) => path).join(', ');
    throw new Failure(
      `not what bench/results gives: ${names}: run "node scripts/figures.js" and commit what it writes`,
    );
  }
});
