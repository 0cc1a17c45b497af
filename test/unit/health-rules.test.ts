import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { combinedAdvice } from '../../lib/health/rules/advice.js';
import {
  type DampingRule,
  NO_PENALTY,
  penalized,
  penaltyAt,
  releaseAtMs,
  released,
} from '../../lib/health/rules/damping.js';
import { CLOSED, failOpen } from '../../lib/health/rules/fail-open.js';
import { forgotten, observed, UNOBSERVED } from '../../lib/health/rules/observe.js';
import { hasQuorum } from '../../lib/health/rules/quorum.js';
import { conditionOf, decide, type DecisionState, type Known } from '../../lib/health/rules/decide.js';

describe('hasQuorum', () => {
  const rule = { quorum: 4, hysteresis: 1 };
  for (const [was, live, is] of [
    [undefined, 4, true],
    [undefined, 3, false],
    [true, 3, true],
    [true, 2, false],
    [false, 4, false],
    [false, 5, true],
    [true, 0, false],
  ] as const)
    it(`${live} of 10 with 4 and 1, from ${was}: ${is}`, () => assert.equal(hasQuorum(was, live, 10, rule), is));

  it('is there when all servers live, however much more is asked for', () => {
    assert.equal(hasQuorum(false, 3, 3, { quorum: 100, hysteresis: 50 }), true);
    assert.equal(hasQuorum(false, 4, 4, { quorum: 4, hysteresis: 3 }), true);
  });

  it('is monotone in the weight, never there with none, always there with all, and changes only past its bounds', () => {
    const cases = fc
      .record({ quorum: fc.integer({ min: 1, max: 50 }), total: fc.integer({ min: 0, max: 60 }) })
      .chain(({ quorum, total }) =>
        fc.record({
          rule: fc.record({ quorum: fc.constant(quorum), hysteresis: fc.integer({ min: 0, max: quorum - 1 }) }),
          total: fc.constant(total),
          live: fc.integer({ min: 0, max: total }),
          was: fc.boolean(),
        }),
      );
    fc.assert(
      fc.property(cases, ({ rule, total, live, was }) => {
        const is = hasQuorum(was, live, total, rule);
        if (live === 0) assert.equal(is, false);
        if (live === total && total > 0) assert.equal(is, true);
        if (is && live < total) assert.equal(hasQuorum(was, live + 1, total, rule), true);
        // What is up where it would come up is up where it is already.
        if (hasQuorum(false, live, total, rule)) assert.equal(hasQuorum(true, live, total, rule), true);
        assert.equal(hasQuorum(is, live, total, rule), is, 'it does not go to and fro by itself');
        if (total >= rule.quorum + rule.hysteresis) {
          if (!was && is) assert.ok(live >= rule.quorum + rule.hysteresis);
          if (was && !is) assert.ok(live === 0 || live < rule.quorum - rule.hysteresis);
        }
      }),
    );
  });
});

describe('damping', () => {
  const rule: DampingRule = {
    ...{ penalty: 1000, suppressAbove: 2500, reuseBelow: 1000, halfLifeMs: 10_000, maxSuppressMs: 30_000 },
  };

  it('holds from the third fall on, until the penalty has halved often enough', () => {
    let state = penalized(NO_PENALTY, 0, rule);
    state = penalized(state, 0, rule);
    assert.equal(state.isHeld, false);
    state = penalized(state, 0, rule);
    assert.equal(state.isHeld, true);
    const atMs = releaseAtMs(state, rule);
    assert.equal(Math.round(atMs), Math.round(Math.log2(3) * 10_000));
    assert.equal(released(state, atMs - 1, rule).isHeld, true);
    assert.equal(released(state, atMs, rule).isHeld, false);
  });

  it('lets slow falls be', () => {
    let state = NO_PENALTY;
    for (let n = 0; n < 50; n += 1) state = penalized(state, n * 20_000, rule);
    assert.equal(state.isHeld, false);
  });

  it('holds nothing longer than its longest time after the last fall, and halves with time', () => {
    const falls = fc.array(fc.integer({ min: 0, max: 500 }), { minLength: 1, maxLength: 100 });
    fc.assert(
      fc.property(falls, (gaps) => {
        let nowMs = 0;
        let state = NO_PENALTY;
        for (const gap of gaps) {
          nowMs += gap;
          state = penalized(state, nowMs, rule);
        }
        assert.ok(releaseAtMs(state, rule) <= nowMs + rule.maxSuppressMs + 1e-6);
        const half = penaltyAt(state, nowMs + rule.halfLifeMs, rule);
        assert.ok(Math.abs(half - state.penalty / 2) < 1e-6);
        assert.equal(released(state, nowMs + rule.maxSuppressMs + 1, rule).isHeld, false);
      }),
    );
  });
});

describe('failOpen', () => {
  const rule = { above: 0.5, windowMs: 1000 };
  const failing = (...since: number[]) => new Map(since.map((sinceMs, server) => [server, sinceMs]));

  it('keeps those that have failed at once, and not those that had failed before', () => {
    const state = failOpen(CLOSED, failing(0, 9500, 9600, 9700), 5, 10_000, rule);
    assert.deepEqual(state, { isOpen: true, kept: new Set([1, 2, 3]) });
  });

  it('counts a failure that is exactly as old as the window', () => {
    assert.equal(failOpen(CLOSED, failing(9000, 10_000), 2, 10_000, rule).isOpen, true);
    assert.equal(failOpen(CLOSED, failing(8999, 10_000), 2, 10_000, rule).isOpen, false);
  });

  it('lets failures one after the other count', () => {
    assert.equal(failOpen(CLOSED, failing(0, 3000, 6000, 9000), 4, 9000, rule).isOpen, false);
  });

  it('lets the half fail when more than the half is asked for', () => {
    assert.equal(failOpen(CLOSED, failing(9000, 9000), 4, 9000, rule).isOpen, false);
  });

  it('stays open as long as more than the share fails, and closes then', () => {
    const open = failOpen(CLOSED, failing(9000, 9000, 9000), 4, 9000, rule);
    const later = failOpen(open, failing(9000, 9000, 9000), 4, 90_000, rule);
    assert.equal(later.isOpen, true);
    const joined = failOpen(later, failing(9000, 9000, 9000, 95_000), 4, 95_000, rule);
    assert.equal(joined.kept.size, 4);
    assert.deepEqual(failOpen(joined, failing(9000, 9000), 4, 96_000, rule), CLOSED);
  });
});

describe('combinedAdvice', () => {
  it('takes the least weight, multiplies factors, adds what is added, and bears nonsense', () => {
    assert.deepEqual(
      combinedAdvice([{ weight: 5 }, undefined, { weight: 3 }, { factor: 0.5 }, { factor: 0.5 }, { add: -1 }]),
      {
        ...{ weight: 3, factor: 0.25, add: -1 },
      },
    );
    assert.equal(combinedAdvice([undefined, undefined]), undefined);
    assert.equal(combinedAdvice([{ weight: Number.NaN }]), undefined);
    assert.deepEqual(combinedAdvice([{ weight: -4.4 }, { factor: -1 }, { add: 1.6 }]), {
      weight: 0,
      factor: 0,
      add: 2,
    });
  });
});

describe('observed', () => {
  const rule = { periodMs: 1000, least: 3, share: 0.5, failAfter: 2 };
  const tally = (...counts: [number, number][]) =>
    counts.reduce(
      (state, [newConnections, troubles]) => observed(state, { newConnections, troubles }, rule),
      UNOBSERVED,
    );

  it('compares with the counts before, and fails after so many periods in a row', () => {
    assert.equal(tally([100, 90]).isTroubled, false);
    assert.equal(tally([100, 90], [110, 94]).isTroubled, false, 'not half of them');
    assert.equal(tally([100, 90], [102, 92]).isTroubled, false, 'not three');
    const once = tally([100, 90], [110, 96]);
    assert.deepEqual([once.isTroubled, once.hasFailed], [true, false]);
    assert.equal(tally([0, 0], [10, 6], [20, 12]).hasFailed, true);
    assert.equal(tally([0, 0], [10, 6], [20, 6], [30, 12]).hasFailed, false, 'not in a row');
    assert.equal(tally([0, 0], [10, 6], [10, 6], [20, 12]).hasFailed, true, 'a period without traffic says nothing');
    assert.equal(forgotten(tally([0, 0], [10, 6], [20, 12])).hasFailed, false);
  });

  it('is troubled at exactly the least and the share, and without a new connection too', () => {
    assert.equal(tally([0, 0], [10, 5]).isTroubled, true);
    assert.equal(tally([0, 0], [6, 3]).isTroubled, true);
    assert.equal(tally([10, 0], [10, 3]).isTroubled, true);
  });

  it('fails nothing where failAfter is 0', () => {
    const never = { ...rule, failAfter: 0 };
    const first = observed(UNOBSERVED, { newConnections: 0, troubles: 0 }, never);
    const calm = observed(first, { newConnections: 10, troubles: 0 }, never);
    const troubled = observed(calm, { newConnections: 20, troubles: 9 }, never);
    assert.deepEqual([calm.hasFailed, troubled.hasFailed, troubled.isTroubled], [false, false, true]);
  });

  it('begins anew when the counters do', () => {
    assert.equal(tally([100, 90], [5, 5]).isTroubled, false);
  });
});

describe('decide', () => {
  const rules = { quorum: { quorum: 1, hysteresis: 0 }, failOpen: undefined, inhibitSorry: false };
  const nothing: DecisionState<number> = { hasQuorum: undefined, failOpen: CLOSED };

  it('leaves no list empty as long as there is a server to put in it, whatever fails in whatever order', () => {
    const server = fc.record({
      passes: fc.boolean(),
      isHeld: fc.boolean(),
      inhibit: fc.boolean(),
      weight: fc.integer({ min: 1, max: 5 }),
    });
    const rounds = fc.array(fc.array(server, { minLength: 3, maxLength: 3 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(rounds, fc.integer({ min: 1, max: 8 }), fc.boolean(), (all, quorum, inhibitSorry) => {
        let state = nothing;
        for (const round of all) {
          const known: Known<number>[] = round.map(({ weight, ...checked }, index) => ({
            ...{ server: index, isSorry: false, weight, wholeWeight: weight },
            checked: { ...checked, failsSinceMs: checked.passes ? undefined : 0, advice: undefined, onDown: 'reset' },
          }));
          known.push({ server: 9, isSorry: true, weight: 1, wholeWeight: 1 });
          const own = { ...rules, inhibitSorry, quorum: { quorum, hysteresis: 0 } };
          const decision = decide(state, known, own, 0);
          state = decision;
          const takes = (of: number) => {
            const each = known.find(({ server }) => server === of) as Known<number>;
            const condition = conditionOf(each, decision, own);
            return condition ? condition.isUp && !condition.isOut : of !== 9;
          };
          const real = [0, 1, 2].filter(takes);
          assert.equal(takes(9), real.length === 0, 'either the sorry server or real ones take connections');
          assert.equal(decision.hasQuorum, real.length > 0);
          for (const index of real) assert.ok(round[index]?.passes && !round[index]?.isHeld);
        }
      }),
    );
  });

  it('leaves live servers in the list when the quorum is lost and there is no sorry server', () => {
    const checked = {
      failsSinceMs: undefined,
      isHeld: false,
      advice: undefined,
      inhibit: false,
      onDown: 'reset',
    } as const;
    const known: Known<number>[] = [true, false].map((passes, server) => ({
      ...{ server, isSorry: false, weight: 1, wholeWeight: 1 },
      checked: { ...checked, passes },
    }));
    const own = { ...rules, quorum: { quorum: 2, hysteresis: 0 } };
    const decision = decide(nothing, known, own, 0);
    assert.equal(decision.hasQuorum, false);
    const conditions = known.map((each) => conditionOf(each, decision, own));
    assert.deepEqual(conditions, [
      { isUp: true, isOut: false, onDown: 'reset' },
      { isUp: false, isOut: true, onDown: 'reset' },
    ]);
  });

  it('counts servers that nobody checks as live', () => {
    const known: Known<number>[] = [{ server: 0, isSorry: false, weight: 1, wholeWeight: 1 }];
    const decision = decide(nothing, known, rules, 0);
    const [first] = known as [Known<number>];
    assert.deepEqual([decision.hasQuorum, conditionOf(first, decision, rules)], [true, undefined]);
  });
});
