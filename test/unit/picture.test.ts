/** The picture of the folders in CONTRIBUTING.md says what layers.js says, in fewer words. */
import { strict as assert } from 'node:assert';

interface Layer {
  folder: string;
  holds: string;
  uses: readonly string[];
}

const load = (name: string) => import(new URL(`../../../scripts/lib/${name}.js`, import.meta.url).href);

describe('the picture of the folders', () => {
  let usesInWords: (uses: readonly string[], layers: readonly Layer[]) => string;
  let real: { native: readonly Layer[]; lib: readonly Layer[] };

  before(async () => {
    ({ usesInWords } = await load('picture'));
    real = await load('layers');
  });

  /** Says in full what a cell says, in its order of names. */
  function expanded(cell: string, layers: readonly Layer[]): string[] {
    const [names = '', below] = cell.split(/, and all below (?:them|it)$/);
    if (names === 'nothing') return [];
    const found = new Set(names.split(', '));
    if (below !== undefined)
      for (const name of found)
        for (const used of layers.find(({ folder }) => folder === name)?.uses ?? []) found.add(used);
    return [...found].sort();
  }

  it('says of every folder what it may use, each once, on a line of at most 160 characters', () => {
    for (const [name, layers] of Object.entries(real)) {
      for (const { folder, holds, uses } of layers) {
        const cell = usesInWords(uses, layers);
        assert.deepEqual(expanded(cell, layers), [...uses].sort(), `${name}/${folder}`);
        const row = `| \`${name}/${folder}\` | ${holds} | ${cell} |`;
        assert.ok(row.length <= 160, row);
      }
    }
  });

  it('names each folder where "all below" would say more', () => {
    const layers = ['a', 'b', 'c', 'd', 'e', 'f'].map((folder) => ({ folder, holds: '', uses: [] as string[] }));
    const high = [...layers, { folder: 'high', holds: '', uses: ['a', 'b', 'c', 'd', 'e', 'f'] }];
    assert.equal(usesInWords(['a', 'b', 'c', 'd', 'e', 'f', 'high'], high), 'high, and all below it');
    assert.equal(usesInWords(['a', 'b', 'c', 'd', 'e', 'high'], high), 'a, b, c, d, e, high');
  });
});
