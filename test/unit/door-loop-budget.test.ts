/** How the clients of a control server share what it may take of the event loop's time. */
import { strict as assert } from 'node:assert';
import { type Clock, LoopBudget } from '../../lib/control/door/loop-budget.js';

/** A loop whose time passes only by what is done in it, and by sleeping. */
class Loop implements Clock {
  ms = 0;
  readonly #turns: (() => void)[] = [];
  readonly #timers: { at: number; go: () => void }[] = [];

  now(): number {
    return this.ms;
  }

  nextTurn(go: () => void): void {
    this.#turns.push(go);
  }

  later(go: () => void, ms: number): void {
    this.#timers.push({ at: this.ms + ms, go });
  }

  /** Returns false when there is nothing to do any more. */
  step(): boolean {
    const turn = this.#turns.shift();
    if (turn) {
      turn();
      return true;
    }
    this.#timers.sort((one, other) => one.at - other.at);
    const timer = this.#timers.shift();
    if (!timer) return false;
    this.ms = Math.max(this.ms, timer.at);
    timer.go();
    return true;
  }

  rest(): void {
    while (this.step());
  }
}

describe('the share of a door in the loop', () => {
  let loop: Loop;
  let budget: LoopBudget;

  beforeEach(() => {
    loop = new Loop();
    budget = new LoopBudget(0.05, loop);
  });

  it('is what clients get in the long run, whatever a turn takes', () => {
    for (const costMs of [0.3, 20, 200]) {
      const startMs = loop.ms;
      let workMs = 0;
      const again = () => {
        workMs += costMs;
        loop.ms += costMs;
        if (loop.ms - startMs < 100_000) budget.wait('flood', again);
      };
      budget.wait('flood', again);
      loop.rest();
      const share = workMs / (loop.ms - startMs);
      assert.ok(share > 0.045 && share < 0.058, `${share} of the time at ${costMs} ms a turn`);
    }
  });

  it('lets who comes seldom in at once', () => {
    for (let scrape = 0; scrape < 20; scrape++) {
      let isIn = false;
      budget.wait('prometheus', () => {
        isIn = true;
        loop.ms += 200;
      });
      assert.ok(isIn);
      loop.rest();
      loop.ms += 15_000;
    }
  });

  it('is taken in turns by peers, however many wait for one of them', () => {
    budget.charge(1000);
    const order: string[] = [];
    for (let client = 0; client < 3; client++) budget.wait('flood', () => order.push('flood'));
    budget.wait('operator', () => order.push('operator'));
    assert.equal(budget.waiting, 4);
    loop.rest();
    assert.deepEqual(order, ['flood', 'operator', 'flood', 'flood']);
  });

  it('makes nobody wait for one that has gone', async () => {
    budget.charge(1000);
    const leave = budget.wait('flood', () => assert.fail('it has gone'));
    const gone = new AbortController();
    const turn = budget.turn('user', gone.signal);
    leave();
    gone.abort();
    await turn;
    assert.equal(budget.waiting, 0);
    await budget.turn('user', gone.signal);
    assert.equal(budget.waiting, 0);
  });

  it('counts work that had no turn, and no more of a turn than is said', () => {
    const at = () => {
      let came = Number.NaN;
      budget.wait('user', () => {
        came = loop.ms;
      });
      loop.rest();
      return came;
    };
    budget.charge(510);
    const first = at();
    assert.ok(first >= 200 && first < 205, `${first} ms`);
    budget.wait('user', () => (loop.ms += 1000), 50);
    loop.rest();
    const wait = at() - loop.ms;
    assert.ok(wait < 5, `${wait} ms`);
    budget.wait('user', () => (loop.ms += 1000));
    loop.rest();
    const from = loop.ms;
    assert.ok(at() - from > 10_000);
  });
});
