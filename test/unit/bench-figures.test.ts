/** The figures in the pages are those of bench/results. */
import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { quoted, withFigures } from '../../bench/figures.js';
import type { SavedTrial } from '../../bench/results-file.js';

const saved = (name: string, figures: Record<string, number>): SavedTrial => ({
  ...{
    name,
    date: '2026-11-29T06:00:00.000Z',
    commit: '0123456789ab',
    isChanged: false,
    isQuick: false,
    notes: [],
    runs: 7,
  },
  machine: { cpu: 'A', cpus: 2, memoryGiB: 8, kernel: '6.1.0', node: 'v20.19.0', hypervisor: 'no', hugePages: 'never' },
  figures: Object.fromEntries(
    Object.entries(figures).map(([name, median]) => [name, { median, min: median, max: median, deviation: 0.5 }]),
  ),
});

const RESULTS = [saved('memory 64k', { nsPerPacket: 39.21, bytes: 60 }), saved('memory 1M', { nsPerPacket: 1234 })];

describe('figures in pages', () => {
  it('are those of the results that are checked in', () => {
    const { status, stderr } = spawnSync(process.execPath, [join('scripts', 'figures.js'), '--check'], {
      encoding: 'utf8',
    });
    assert.deepEqual([stderr, status], ['', 0]);
  });

  it('have as many digits as come out again', () => {
    assert.deepEqual([0.9512, 39.21, 7, 123.4, 4_213_554].map(quoted), ['0.95', '39', '7', '123', '4,210,000']);
  });

  it('take the place of what stands between the marks, and of nothing else', () => {
    const page = 'a <!-- = memory 64k nsPerPacket -->1<!-- / --> ns, <!-- = memory 1M nsPerPacket --><!-- / --> ns\n';
    const wanted = page.replace('>1<', '>39<').replace('--><!-- / --> ns\n', '-->1,230<!-- / --> ns\n');
    assert.equal(withFigures(page, RESULTS), wanted);
    assert.equal(withFigures(wanted, RESULTS), wanted);
    assert.equal(withFigures('<!-- else -->', RESULTS), '<!-- else -->');
  });

  it('make tables and say where they are from', () => {
    const page =
      '<!-- table memory: nsPerPacket, bytes -->\nold\n<!-- / table -->\n<!-- sources 1M -->\n\n<!-- / sources -->';
    const made = withFigures(page, RESULTS);
    assert.match(made, /\n\| trial \| ns per packet \| bytes \| runs \|\n\| --- \| ---: \| ---: \| ---: \|\n/);
    assert.match(made, /\n\| memory 64k \| 39\.2 ± 0\.500 \| 60\.0 ± 0\.500 \| 7 \|\n\n<!-- \/ table -->/);
    assert.doesNotMatch(made, /old/);
    assert.match(
      made,
      /<!-- sources 1M -->\n\n- 2026-11-29, commit 0123456789ab: 2 × A, 8 GiB; .*\n\n<!-- \/ sources -->/,
    );
    assert.equal(withFigures(made, RESULTS), made);
    const mark = '<!-- table memory: bytes -->\n';
    const twoEmpty = withFigures(`${mark}<!-- / table -->\nbetween\n${mark}<!-- / table -->`, RESULTS);
    assert.match(twoEmpty, /between/);
    assert.equal(withFigures(twoEmpty, RESULTS), twoEmpty);
  });

  it('name what is missing, and the command that measures it', () => {
    const mark = (text: string) => () => withFigures(`<!-- = ${text} --><!-- / -->`, RESULTS);
    assert.throws(mark('memory 8M nsPerPacket'), /no trial "memory 8M": measure it with "npm run bench -- memory 8M"/);
    assert.throws(mark('memory 64k ns'), /has no figure "ns", but nsPerPacket, bytes/);
    assert.throws(
      () => withFigures('<!-- table device: ns -->\n\n<!-- / table -->', RESULTS),
      /no trial with "device"/,
    );
  });
});
