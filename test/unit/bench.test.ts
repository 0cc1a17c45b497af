import { strict as assert } from 'node:assert';
import { formatTrial, trialResult } from '../../bench/report.js';
import { spreadOf } from '../../bench/spread.js';
import { summarize } from '../../bench/statistics.js';
import { listed, selected } from '../../bench/selection.js';
import { hugeBytes } from '../../bench/subjects/idle.js';
import { speedups } from '../../bench/subjects/memory.js';
import { selectTrials, trials } from '../../bench/trials.js';

describe('the benchmark', () => {
  it('takes median and spread', () => {
    assert.deepEqual(summarize([5, 1, 100]), { median: 5, min: 1, max: 100, deviation: 4 });
    assert.deepEqual(summarize([4, 1, 3, 2]), { median: 2.5, min: 1, max: 4, deviation: 1 });
    assert.deepEqual(summarize([7]), { median: 7, min: 7, max: 7, deviation: 0 });
  });

  it('counts events by pieces of time, and leaves out pieces that are not whole', () => {
    const events = [1000, 1009, 1010, 1999, 2000, 2001, 2002];
    assert.deepEqual(spreadOf(events, 1000, 1000), { medianIn10Ms: 0, p99In10Ms: 1, mostIn10Ms: 2, mostInSecond: 4 });
    assert.equal(spreadOf(events, 1000, 1999).mostInSecond, 4);
    assert.equal(spreadOf(events, 1000, 2000).mostInSecond, 4);
    assert.equal(spreadOf([], 0, 0).mostInSecond, 0);
  });

  it('names each trial once', () => {
    assert.equal(new Set(trials.map((trial) => trial.name)).size, trials.length);
  });

  it('selects by whole words, all of which have to be there', () => {
    const names = (...words: string[]) => selectTrials(words).map((trial) => trial.name);
    assert.deepEqual(names('memory', 'zipf'), ['memory established 64k zipf', 'memory established 1M zipf']);
    assert.deepEqual(names('mem'), []);
    assert.deepEqual(names('8M', 'zipf'), ['memory established 8M zipf']);
    assert.equal(
      names().some((name) => name.includes('8M')),
      false,
      'what takes long runs when named',
    );
    assert.ok(names().length > 10);
  });

  it('refuses words that mean nothing, and says which word is wanted', () => {
    assert.throws(() => selected(['memory', 'zip']), /no trial's name holds the word "zip"; --list/);
    assert.throws(() => selected(['memory', 'device']), /no trial's name holds memory and device/);
    assert.throws(() => selected(['device', 'flows']), /only when the word "256k" is given/);
    assert.equal(selected(['memory', '64k', 'zipf']).length, 1);
    assert.equal(listed().split('\n').length, trials.length + 1);
    assert.match(listed(), /^device packet 256k flows \(with the word 256k\)$/m);
  });

  it('compares the rate of several workers with that of one', () => {
    const alone = { alonePackets: 100n, aloneNs: 4000n, aloneCpuNs: 5000n };
    assert.deepEqual(speedups({ packets: 200n, ns: 10_000n, cpuNs: 10_000n, ...alone }, 2), {
      speedup: 1.6,
      speedupByCpuTime: 2,
      nsPerPacketAlone: 40,
      nsPerPacketOfEach: 50,
    });
  });

  it('reads how much memory is in huge pages', () => {
    assert.equal(hugeBytes('Rss:    900 kB\nAnonHugePages:     2048 kB\nShmemPmdMapped:   0 kB\n'), 2 ** 21);
    assert.throws(() => hugeBytes('Rss:  900 kB\n'), /huge pages/);
  });

  it('prints every figure with its unit', () => {
    const text = formatTrial(trialResult('x', [{ nsPerPacket: 64.25 }, { nsPerPacket: 66 }, { nsPerPacket: 12_345 }]));
    assert.match(text, /^x, 3 runs/);
    assert.match(text, /ns per packet +66\.0 +± 1\.750 +\(64\.3 to 12,345\)/);
  });
});
