/** What the trials of floods of uncut datagrams compute. */
import { strict as assert } from 'node:assert';
import { bulkFigures, type Carried, type WayName, ways } from '../../bench/subjects/bulk.js';

describe('bulk trials', () => {
  const carried = (cpuNs: number, megabytes: number): Carried => ({ cpuNs, bytes: megabytes * 1e6, seconds: 2 });
  const all = new Map<WayName, Carried>([
    ['ipipNoOffloads', carried(4e9, 500)],
    ['gue', carried(1e9, 1000)],
  ]);

  it('say what a kilobyte costs and how much was carried', () => {
    const figures = bulkFigures(all);
    assert.equal(figures.gueCpuNsPerKilobyte, 1024);
    assert.equal(figures.gueMegabytesPerSecond, 500);
    assert.equal(figures.ipipNoOffloadsCpuNsPerKilobyte, 8192);
  });

  it('compare each way with GUE, which has the first figures whatever the order of the runs', () => {
    const figures = bulkFigures(all);
    assert.equal(figures.ipipNoOffloadsTimesCpuOfGue, 8);
    assert.equal('gueTimesCpuOfGue' in figures, false);
    assert.equal(Object.keys(figures)[0], 'gueCpuNsPerKilobyte');
    assert.equal(Object.keys(ways)[0], 'gue');
  });
});
