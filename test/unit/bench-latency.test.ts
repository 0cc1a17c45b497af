/** What is made of the delays that a latency trial measures. */
import { strict as assert } from 'node:assert';
import type { Delays } from '../../bench/native-bench.js';
import { latencyFigures, type Turn } from '../../bench/subjects/latency.js';
import { selectTrials } from '../../bench/trials.js';

const SENT = 40_000;

function delays(p50: number, p99: number, p999: number, lost = 0): Delays {
  return {
    ...{ sent: SENT, received: SENT - lost, ns: 4e8 },
    delaysNs: { p50, p99, p999, most: 10 * p999 },
    latenessNs: { p50: 50, p99: 100, p999: 1500, most: 2000 },
  };
}

const turn = (director: Delays, kernel: Delays): Turn => ({ director, kernel });

describe('latency trials', () => {
  it('run when named', () => {
    assert.deepEqual(
      selectTrials(['latency']).map(({ name }) => name),
      ['latency packet', 'latency packet shared', 'latency packet busy poll', 'latency tun', 'latency fast path'],
    );
    assert.ok(!selectTrials([]).some(({ name }) => name.startsWith('latency')));
  });

  it('say how much later packets come by the director than by the kernel alone', () => {
    assert.deepEqual(latencyFigures([turn(delays(30_000, 80_000, 200_000), delays(5_000, 6_000, 20_000))]), {
      ...{ addedP50Us: 25, addedP99Us: 74, addedP999Us: 180 },
      ...{ directorP50Us: 30, directorP99Us: 80, directorP999Us: 200 },
      ...{ kernelP50Us: 5, kernelP99Us: 6, kernelP999Us: 20 },
      ...{ directorWorstP99Us: 80, kernelWorstP99Us: 6 },
      ...{ directorSentLateP99Us: 0.1, kernelSentLateP99Us: 0.1, directorLostShare: 0 },
    });
  });

  it('take the median of the turns, with what was added in each, and the worst beside it', () => {
    const figures = latencyFigures([
      turn(delays(30_000, 80_000, 90_000), delays(5_000, 6_000, 7_000)),
      turn(delays(31_000, 9_000_000, 9_100_000), delays(5_000, 8_000, 9_000)),
      turn(delays(32_000, 82_000, 92_000), delays(12_000, 4_000_000, 5_000_000)),
    ]);
    assert.deepEqual([figures.directorP99Us, figures.kernelP99Us, figures.addedP99Us], [82, 8, 74]);
    assert.deepEqual([figures.directorP50Us, figures.kernelP50Us, figures.addedP50Us], [31, 5, 25]);
    assert.deepEqual([figures.directorWorstP99Us, figures.kernelWorstP99Us], [9000, 4000]);
  });

  it('count for nothing when most turns lost packets, by whichever way', () => {
    const whole = delays(30_000, 80_000, 200_000);
    const lossy = delays(30_000, 80_000, 200_000, SENT / 100);
    const nothing = { ...whole, sent: 0, received: 0 };
    assert.throws(() => latencyFigures([turn(lossy, whole)]), /^Error: 1 % of the packets by the director were lost/);
    assert.throws(() => latencyFigures([turn(whole, lossy)]), /^Error: 1 % of the packets by the kernel were lost/);
    assert.throws(() => latencyFigures([turn(nothing, whole)]), /by the director were lost/);
    assert.equal(latencyFigures([turn(whole, whole), turn(lossy, whole), turn(whole, whole)]).directorLostShare, 0);
  });
});
