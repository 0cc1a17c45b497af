/** The check of which file uses which finds what it should find. */
import { strict as assert } from 'node:assert';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

type Graph = Map<string, string[]>;
interface Layer {
  folder: string;
  holds: string;
  uses: readonly string[];
}
interface Checks {
  languages: Record<'lib' | 'native', unknown>;
  readGraph(folder: string, language: unknown): Graph;
  wrongArrows(graph: Graph, layers: readonly Layer[]): string[];
  wrongLayers(layers: readonly Layer[]): string[];
  circles(graph: Graph): string[][];
}

const layers: Layer[] = [
  { folder: 'low', holds: '', uses: [] },
  { folder: 'low/deep', holds: '', uses: ['low'] },
  { folder: 'high', holds: '', uses: ['low', 'low/deep'] },
  { folder: '', holds: '', uses: ['high'] },
];

describe('the check of arrows between files', () => {
  let checks: Checks;

  before(async () => {
    checks = await import(new URL('../../../scripts/lib/graph.js', import.meta.url).href);
  });

  const wrong = (from: string, to: string) =>
    checks.wrongArrows(
      new Map([
        [from, [to]],
        [to, []],
      ]),
      layers,
    );

  it('lets arrows point down, and within a folder', () => {
    assert.deepEqual(wrong('high/a', 'low/b'), []);
    assert.deepEqual(wrong('high/a', 'high/b'), []);
    assert.deepEqual(wrong('low/deep/a', 'low/b'), []);
    assert.deepEqual(wrong('index', 'high/b'), []);
  });

  it('names an arrow that points up, past what a folder may use, or comes from nowhere', () => {
    assert.deepEqual(wrong('low/a', 'high/b'), ['low/a uses high/b: low may use nothing']);
    assert.deepEqual(wrong('low/a', 'low/deep/b'), ['low/a uses low/deep/b: low may use nothing']);
    assert.deepEqual(wrong('index', 'low/b'), ['index uses low/b: the root may use high']);
    assert.match(wrong('nowhere/a', 'low/b')[0] as string, /^nowhere\/a lies in no folder/);
  });

  it('finds circles of files, however long, and of folders', () => {
    const graph = new Map([
      ['a', ['b']],
      ['b', ['c', 'd']],
      ['c', ['a']],
      ['d', ['e']],
      ['e', []],
    ]);
    assert.deepEqual(checks.circles(graph), [['a', 'b', 'c']]);
    assert.deepEqual(checks.wrongLayers(layers), []);
    const high: Layer = { folder: 'high', holds: '', uses: ['low'] };
    assert.deepEqual(checks.wrongLayers([{ folder: 'low', holds: '', uses: ['high', 'gone'] }, high]), [
      'low may use gone, which is not a folder of the layers',
      'these folders may use each other: high, low',
    ]);
  });

  it('reads what files of both languages use, types and imports on demand included', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tunvs-arrows-'));
    const files = {
      'a.ts': "import type { B } from './in/b.js';\nexport const c = () => import('./c.js');\n",
      'in/b.ts': "export { c } from '../c.js';\nimport { readFileSync } from 'node:fs';\n",
      'c.ts': '',
      'a.cc': '#include "in/b.h"\n#include <vector>\n',
      'in/b.h': '',
      'in/b_test.cc': '#include "a.h"\n',
    };
    try {
      for (const [path, text] of Object.entries(files)) {
        mkdirSync(dirname(join(folder, path)), { recursive: true });
        writeFileSync(join(folder, path), text);
      }
      const graph = (language: 'lib' | 'native') =>
        Object.fromEntries(checks.readGraph(folder, checks.languages[language]));
      assert.deepEqual(graph('lib'), { 'a.ts': ['in/b.ts', 'c.ts'], 'c.ts': [], 'in/b.ts': ['c.ts'] });
      assert.deepEqual(graph('native'), { 'a.cc': ['in/b.h'], 'in/b.h': [] });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
