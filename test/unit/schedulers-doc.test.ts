import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { withPictures } from '../../bench/scheduler-pictures.js';
import { native } from '../../lib/native/addon.js';
import { schedulerFlagsOf, schedulers } from '../../lib/values/scheduler.js';

const text = readFileSync(new URL('../../../docs/schedulers.md', import.meta.url), 'utf8');

/** Returns the names in backquotes in the first column of a table, by how the table's headings begin. */
function firstColumn(heading: string): string[] {
  const table = new RegExp(`^\\| ${heading} \\|.*\n(?:\\|.*\n)+`, 'm').exec(text)?.[0] ?? '';
  return table
    .split('\n')
    .flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? ''));
}

describe('docs/schedulers.md', () => {
  it('has each scheduler in its table, in order', () => {
    assert.deepEqual(firstColumn('scheduler \\| chooses by'), native.schedulers);
  });

  it('has each flag in its table', () => {
    const flags = new Set(schedulers.flatMap(schedulerFlagsOf));
    assert.deepEqual(firstColumn('flag').sort(), [...flags].sort());
  });

  it('has pictures of what is measured (node dist/bench/scheduler-pictures.js draws them anew)', async () => {
    assert.equal(await withPictures(text), text);
  });
});
