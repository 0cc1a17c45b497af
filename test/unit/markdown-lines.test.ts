/** Lines of Markdown are at most 120 characters long, but for those that cannot be broken. */
import { strict as assert } from 'node:assert';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const MOST = 120;

/** Returns the numbers of the lines that are too long and are not of a table, of a code block, or one long word. */
function tooLong(text: string): number[] {
  let fence: string | undefined;
  return text.split('\n').flatMap((line, index) => {
    const mark = /^\s*(```+|~~~+)/.exec(line)?.[1];
    if (mark !== undefined && (fence === undefined || mark.startsWith(fence)))
      fence = fence === undefined ? mark : undefined;
    if (fence !== undefined || line.length <= MOST || /^\s*\|/.test(line)) return [];
    const marker = /^\s*(?:(?:[-*+>]|\d+\.) +)*/.exec(line)?.[0].length ?? 0;
    return line.slice(marker, MOST + 1).includes(' ') ? [index + 1] : [];
  });
}

function markdownIn(folder: string): string[] {
  return (
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.md'))
      // These pages are generated.
      .filter((path) => !(folder === 'docs' && path.startsWith('reference/')))
      .map((path) => join(folder, path))
  );
}

const PAGES = [
  ...['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md'],
  ...['docs', 'examples', 'test', 'bench', 'scripts'].flatMap(markdownIn),
];

describe('the lines of Markdown', () => {
  it('are measured outside of tables, code blocks and words that cannot be broken', () => {
    const words = 'word '.repeat(30).trim();
    const link = `<https://example.org/${'a'.repeat(120)}>`;
    const table = `| ${words} |`;
    assert.deepEqual(tooLong(`${words}\n${table}\n${link}\n- ${link}\n`), [1]);
    assert.deepEqual(tooLong(`\`\`\`sh\n${words}\n\`\`\`\n  - ${words}\n`), [4]);
    assert.deepEqual(tooLong(`${'a'.repeat(MOST)}\n${'a '.repeat(60)}\n${'a '.repeat(60)}b`), [3]);
    assert.deepEqual(tooLong(`see ${link}`), [1]);
  });

  for (const page of PAGES)
    it(`are short enough: ${page}`, () => {
      assert.deepEqual(tooLong(readFileSync(join(ROOT, page), 'utf8')), []);
    });
});
