/** The files that the documentation names exist. */
import { strict as assert } from 'node:assert';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const PAGES = ['README.md', 'CONTRIBUTING.md', ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`)];
const WINGS = ['core', 'packet', 'table', 'scheduler', 'forward', 'director', 'io', 'engine', 'realserver', 'binding'];
const NAMED = new RegExp(
  `(?<![\\w/.])(?:(?:\\.\\./)?(native|lib|test|scripts|examples|bench)/|(?=(?:${WINGS.join('|')})/))([\\w/.-]+\\w)`,
  'g',
);

/** Looks for a file, a folder, or files of that name with any ending. */
function isThere(path: string): boolean {
  if (existsSync(join(ROOT, path))) return true;
  const folder = join(ROOT, dirname(path));
  return existsSync(folder) && readdirSync(folder).some((name) => name.startsWith(`${basename(path)}.`));
}

describe('the documentation', () => {
  for (const page of PAGES.filter((name) => name.endsWith('.md'))) {
    it(`names files that are there: ${page}`, () => {
      // The picture of the folders, which lint makes, also names folders that have no file yet.
      const text = readFileSync(join(ROOT, page), 'utf8').replace(/<!-- layers:.*<!-- \/layers -->/s, '');
      const missing = [...text.matchAll(NAMED)]
        .map(([, top, rest]) => (top === undefined ? `native/${rest}` : `${top}/${rest}`))
        .filter((path) => !/\*|NAME/.test(path) && !isThere(path));
      assert.deepEqual([...new Set(missing)], []);
    });
  }
});
