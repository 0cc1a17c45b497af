import { strict as assert } from 'node:assert';
import { testPattern } from '../../lib/health/checks/http/pattern.js';
import { PatternBudget } from '../../lib/health/checks/http/pattern-budget.js';

const SLOW = /^(a+)+$/;
const HOSTILE = `${'a'.repeat(50)}b`;

describe('the time that patterns may take', () => {
  it('is bounded over all checks, and comes back with the clock', () => {
    let nowMs = 0;
    const budget = new PatternBudget(() => nowMs);
    const message = () => {
      try {
        return String(testPattern(SLOW, HOSTILE, budget));
      } catch (error) {
        return (error as Error).message;
      }
    };
    const long = 'the pattern needs more than 50 ms for this body';
    const short =
      'the pattern needs more than 10 ms for this body, and long patterns have used up their 100 ms of this second';
    assert.deepEqual([message(), message(), message(), message()], [long, long, short, short]);
    nowMs = 300;
    assert.deepEqual([message(), message()], [long, short]);
  });

  it('saves no more than a second', () => {
    let nowMs = 0;
    const budget = new PatternBudget(() => nowMs);
    nowMs = 3_600_000;
    assert.equal(budget.hasTime(), true);
    budget.spend(100);
    assert.equal(budget.hasTime(), false);
  });
});
