/** Results of the benchmark: the files they are kept in, and the page and pictures made from them. */
import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { drawLines, roundStep, shortNumber } from '../../bench/line-picture.js';
import { pictureOf, plots } from '../../bench/plots.js';
import { parseResults, readResults, RESULTS_FOLDER, type SavedTrial, saveTrial } from '../../bench/results-file.js';
import { resultsPage, resultsTable } from '../../bench/results-page.js';
import { revision } from '../../bench/revision.js';
import { type Trial, trials } from '../../bench/trials.js';

const MACHINE: SavedTrial['machine'] = {
  ...{ cpu: 'A | B', cpus: 2, memoryGiB: 8, kernel: '6.1.0', node: 'v20.19.0' },
  ...{ hypervisor: 'yes', hugePages: 'madvise' },
};

const saved = (name: string, median = 50): SavedTrial => ({
  ...{ name, date: '2026-11-29T06:00:00.000Z', commit: '0123456789ab', isChanged: false, machine: MACHINE },
  ...{ isQuick: false, notes: [], runs: 7 },
  figures: { nsPerPacket: { median, min: median - 5, max: median + 10, deviation: 1.5 } },
});

describe('files of results', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tunvs-results-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('keeps a group of trials in a file, and the newest result of each', () => {
    for (const trial of [saved('memory b', 1), saved('memory a', 2), saved('js c', 3), saved('memory b', 4)])
      saveTrial(trial, folder);
    assert.deepEqual(readdirSync(folder).sort(), ['js.json', 'memory.json']);
    const medians = readResults(folder).map(({ name, figures }) => [name, figures.nsPerPacket?.median]);
    assert.deepEqual(medians, [
      ['js c', 3],
      ['memory a', 2],
      ['memory b', 4],
    ]);
  });

  it('rounds what no run is good for, and refuses what is no number', () => {
    saveTrial(saved('memory a', 100 / 3), folder);
    assert.equal(readResults(folder)[0]?.figures.nsPerPacket?.median, 33.3333);
    assert.throws(() => saveTrial(saved('memory a', Number.NaN), folder), /nan/i);
    assert.equal(readResults(folder)[0]?.figures.nsPerPacket?.median, 33.3333);
  });

  it('says what is wrong with a file, and how to mend it', () => {
    assert.throws(() => parseResults('{', 'x.json'), /^Error: x\.json is not JSON .*measure again$/);
    const text = (trial: object) => JSON.stringify({ format: 1, trials: [trial] });
    assert.throws(() => parseResults(text({ ...saved('a'), runs: 0 }), 'x.json'), /x\.json: trials\.0\.runs: /);
    assert.throws(() => parseResults(text({ ...saved('a'), more: 1 }), 'x.json'), /more/);
    assert.throws(() => parseResults('{"format":2,"trials":[]}', 'x.json'), /x\.json: format: /);
    assert.deepEqual(parseResults(text(saved('a')), 'x.json'), [saved('a')]);
    assert.deepEqual(readResults(join(folder, 'none')), []);
  });

  it('takes the revision, and says that there is none outside of a clone', () => {
    assert.deepEqual(revision(folder), { commit: 'unknown', isChanged: true });
  });

  it('are checked in with the page and the pictures that they give', () => {
    const results = readResults();
    const known = new Set(trials.map(({ name }) => name));
    assert.deepEqual(
      results.filter(({ name, isQuick }) => isQuick || !known.has(name)).map(({ name }) => name),
      [],
    );
    if (results.length === 0) return;
    for (const [name, text] of resultsPage(results))
      assert.equal(readFileSync(join(RESULTS_FOLDER, name), 'utf8'), text, `${name}: run node scripts/figures.js`);
  });
});

describe('the page of results', () => {
  it('has a row for each figure, with spread, range and runs', () => {
    const [head, rule, ...rows] = resultsTable([saved('memory a|b'), { ...saved('memory c'), runs: 1 }]).split('\n');
    assert.equal(head?.split('|').length, rule?.split('|').length);
    assert.deepEqual(rows, [
      '| memory a\\|b (7 runs) | ns per packet | 50.0 | ± 1.500 | 45.0 to 60.0 |',
      '| memory c (1 run) | ns per packet | 50.0 | ± 1.500 | 45.0 to 60.0 |',
    ]);
  });

  it('says once where results are from, and marks quick and changed ones', () => {
    const notes = { ...saved('memory b'), notes: ['nginx 1.22'], load: 3.24 };
    const page = resultsPage([
      { ...saved('memory a'), load: 0 },
      notes,
      { ...saved('js a'), isQuick: true, isChanged: true },
    ]);
    const text = (page.get('README.md') ?? '').replaceAll('\n  ', ' ');
    assert.equal(text.match(/commit 0123456789ab: 2 × A \| B, 8 GiB, in a virtual machine/g)?.length, 1);
    assert.match(text, /node v20\.19\.0; load average before 0\.0 to 3\.2\n/);
    assert.match(text, /commit 0123456789ab with changes: .*; quick, not to be quoted/);
    assert.match(text, /^- memory b: nginx 1\.22$/m);
    assert.deepEqual(
      [...text.matchAll(/^## (.*)$/gm)].map(([, name]) => name),
      ['memory', 'js'],
    );
  });
});

describe('pictures of results', () => {
  const point = (series: string, x: number) => ({ plot: 'connections', series, x });
  const trial = (name: string, series: string, x: number) =>
    ({ name, point: point(series, x), subject: 'memory', options: { connections: x } }) as Trial;
  const all = [
    trial('memory a', 'uniform', 1024),
    trial('memory b', 'uniform', 1),
    trial('memory c', 'zipf <&>', 1024),
  ];
  const connections = plots.find(({ name }) => name === 'connections') as (typeof plots)[number];

  it('puts the points of each line in order, and leaves out what was not measured', () => {
    const picture = pictureOf(connections, [saved('memory a', 9), saved('memory b', 8)], all);
    assert.deepEqual(picture?.lines, [
      {
        name: 'uniform',
        points: [
          { x: 1, median: 8, min: 3, max: 18 },
          { x: 1024, median: 9, min: 4, max: 19 },
        ],
      },
    ]);
    assert.equal(pictureOf(connections, [], all), undefined);
  });

  it('names a picture for every trial that is a point of one', () => {
    const named = new Set((trials as readonly Trial[]).flatMap((each) => (each.point ? [each.point.plot] : [])));
    assert.deepEqual(
      [...named].filter((name) => !plots.some((plot) => plot.name === name)),
      [],
    );
  });

  it('draws within the frame, whole XML, for light and dark ground', () => {
    const results = all.map(({ name }, index) => saved(name, 10 + index));
    const svg = drawLines(pictureOf(connections, results, all) as NonNullable<ReturnType<typeof pictureOf>>);
    assert.match(svg, /prefers-color-scheme: dark/);
    assert.match(svg, />zipf &lt;&amp;&gt;</);
    assert.equal(svg.match(/<circle[^>]* r="3"/g)?.length, 3);
    assert.match(svg, />1 k</);
    for (const [, y] of svg.matchAll(/<circle[^>]*cy="([^"]+)"/g)) assert.ok(Number(y) >= 40 && Number(y) <= 305, y);
    assertNested(svg);
    const { error, status, stderr } = spawnSync('xmllint', ['--noout', '-'], { input: svg, encoding: 'utf8' });
    if (!error) assert.deepEqual([status, stderr], [0, '']);
  });

  it('draws one point and zeros', () => {
    const point = { x: 1, median: 0, min: 0, max: 0 };
    const svg = drawLines({ title: 't', xLabel: 'x', yLabel: 'y', lines: [{ name: 'n', points: [point] }] });
    assertNested(svg);
    assert.doesNotMatch(svg, /NaN|Infinity/);
  });

  it('numbers axes with few digits', () => {
    assert.deepEqual([1, 16, 1024, 65536, 2 ** 23, 1000, 0.25].map(shortNumber), [
      ...['1', '16', '1 k', '64 k', '8 M', '1 k', '0.25'],
    ]);
    assert.deepEqual([0.11, 1, 1.2, 3, 7, 5000].map(roundStep), [0.2, 1, 2, 5, 10, 5000]);
  });
});

/** Checks that each element is closed where it has to be, and that text and attributes hold no stray mark. */
function assertNested(svg: string): void {
  const open: string[] = [];
  for (const [, text, close, name, attributes, empty] of svg.matchAll(
    /([^<]*)<(\/?)([a-z]+)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>/gi,
  )) {
    assert.doesNotMatch(`${text}${attributes}`, /&(?!(?:amp|lt|gt|quot);)/);
    if (close) assert.equal(open.pop(), name);
    else if (!empty) open.push(name as string);
  }
  assert.deepEqual(open, []);
  const rest = svg.replace(/<\/?[a-z]+(?:\s+[\w:-]+="[^"<]*")*\s*\/?>/gi, '');
  assert.doesNotMatch(rest, /</);
}
