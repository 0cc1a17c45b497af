import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { type CheckState, stateOf, takeResult, takeSilence, UNKNOWN } from '../../lib/health/rules/check-state.js';

/** P passes, F fails, S is silence; returns the verdicts after each. */
function verdicts(results: string, thresholds: { retries: number; rise: number; fall: number }, from = UNKNOWN) {
  let state: CheckState = from;
  return [...results].map((result) => {
    state = (result === 'S' ? takeSilence(state) : takeResult(state, result === 'P', thresholds)).state;
    return state.verdict === 'unknown' ? '?' : state.verdict === 'up' ? 'u' : 'd';
  });
}

describe('takeResult', () => {
  for (const [name, thresholds, results, expected] of [
    ['decides at once by the first result, pass', { retries: 3, rise: 3, fall: 3 }, 'P', 'u'],
    ['decides at once by the first result, failure', { retries: 3, rise: 3, fall: 3 }, 'F', 'd'],
    ['goes down after a failure and its retries', { retries: 2, rise: 1, fall: 1 }, 'PFFF', 'uuud'],
    ['forgets retries when one passes', { retries: 1, rise: 1, fall: 1 }, 'PFPFP', 'uuuuu'],
    ['needs as many failures in a row as fall says', { retries: 0, rise: 1, fall: 3 }, 'PFFPFFF', 'uuuuuud'],
    ['gives each of them its retries', { retries: 1, rise: 1, fall: 2 }, 'PFFFF', 'uuuud'],
    ['needs as many passes in a row as rise says', { retries: 0, rise: 3, fall: 1 }, 'FPPFPPP', 'ddddddu'],
    ['has no retries while it is down', { retries: 5, rise: 2, fall: 1 }, 'FPFPP', 'ddddu'],
    ['takes silence of an agent for no word against it', { retries: 0, rise: 2, fall: 1 }, 'SFSPSP', 'uddddu'],
  ] as const)
    it(name, () => assert.equal(verdicts(results, thresholds).join(''), expected));

  it('says when to ask next', () => {
    const thresholds = { retries: 1, rise: 2, fall: 1 };
    const next = (state: CheckState, hasPassed: boolean) => takeResult(state, hasPassed, thresholds).next;
    assert.equal(next(stateOf('up'), true), 'interval');
    assert.equal(next(stateOf('up'), false), 'retry');
    assert.equal(next({ verdict: 'up', against: 0, attempts: 1 }, false), 'downInterval');
    assert.equal(next(stateOf('down'), false), 'downInterval');
    assert.equal(next(stateOf('down'), true), 'interval');
    assert.equal(next(UNKNOWN, false), 'downInterval');
  });

  it('agrees with a reading of the whole history', () => {
    const thresholds = fc.record({
      retries: fc.integer({ min: 0, max: 3 }),
      rise: fc.integer({ min: 1, max: 4 }),
      fall: fc.integer({ min: 1, max: 4 }),
    });
    const history = fc.array(fc.boolean(), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(history, thresholds, (passes, { retries, rise, fall }) => {
        const results = passes.map((hasPassed) => (hasPassed ? 'P' : 'F')).join('');
        // While it is up, it goes down with the last of fall * (retries + 1) failures on end; while it is down, it
        // comes up with the last of rise passes on end. What came before the last change does not count.
        let isUp = passes[0];
        let begin = 1;
        const expected = [isUp ? 'u' : 'd'];
        for (let end = 2; end <= passes.length; end += 1) {
          const since = results.slice(begin, end);
          const turns = isUp ? 'F'.repeat(fall * (retries + 1)) : 'P'.repeat(rise);
          if (since.endsWith(turns)) {
            isUp = !isUp;
            begin = end;
          }
          expected.push(isUp ? 'u' : 'd');
        }
        assert.deepEqual(verdicts(results, { retries, rise, fall }), expected);
      }),
      { numRuns: 500 },
    );
  });
});
