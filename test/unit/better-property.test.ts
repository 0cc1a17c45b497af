/** What must hold of the options that IPVS does not have, whatever weights, times and changes there are. */
import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import type { Scheduler } from '../../lib/values/scheduler.js';
import { countsOf, Scheduling } from '../support/scheduling.js';

const NAMES = 'abcdefgh';
const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
const named = (weights: readonly number[]) => weights.map((weight, i) => ({ name: NAMES[i] as string, weight }));

const weights = fc
  .array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: NAMES.length })
  .filter((list) => list.some((weight) => weight > 0));

describe('a random start', () => {
  it('leaves wrr exact in whole rounds, wherever it begins', async () => {
    await fc.assert(
      fc.asyncProperty(weights, fc.integer({ min: 1, max: 5 }), fc.nat(), async (list, rounds, seed) => {
        const choice = { scheduler: 'wrr', schedulerOptions: { randomStart: true } } as const;
        await using scheduling = new Scheduling(choice, named(list), seed);
        const counts = countsOf(scheduling.open(sum(list) * rounds));
        assert.deepEqual(
          list.map((_, i) => counts[NAMES[i] as string] ?? 0),
          list.map((weight) => weight * rounds),
        );
      }),
      { numRuns: 100 },
    );
  });

  it('leaves rr even, and has directors begin with different servers', async () => {
    const firsts = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 50 }), fc.nat(), async (flows, seed) => {
        const choice = { scheduler: 'rr', schedulerOptions: { randomStart: true } } as const;
        await using scheduling = new Scheduling(choice, named([1, 1, 1, 1]), seed);
        const chosen = scheduling.open(flows);
        firsts.add(chosen[0] as string);
        const counts = Object.values(countsOf(chosen));
        assert.ok(Math.max(...counts) - (counts.length < 4 ? 0 : Math.min(...counts)) <= 1);
      }),
      { numRuns: 60 },
    );
    assert.equal(firsts.size, 4);
  });
});

describe('a stable cursor', () => {
  it('has wrr choose as if nothing had been, through edits that change no weight', async () => {
    const edits = fc.array(fc.record({ flows: fc.integer({ min: 1, max: 7 }), server: fc.nat() }), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(weights, edits, async (list, changes) => {
        const choice = { scheduler: 'wrr', schedulerOptions: { stableCursor: true } } as const;
        await using left = new Scheduling(choice, named(list));
        await using edited = new Scheduling(choice, named(list));
        let client = 0;
        for (const { flows, server } of changes) {
          assert.deepEqual(edited.open(flows, client), left.open(flows, client));
          client += flows;
          const i = server % list.length;
          edited.server(NAMES[i] as string)?.edit({ weight: list[i] as number });
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe('a slow start', () => {
  const ramps: Scheduler[] = ['wrr', 'wlc', 'sed', 'nq', 'twos', 'maglev', 'rendezvous', 'p2c'];
  const positive = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 2, maxLength: NAMES.length });

  it('leaves the weights that are listed, and goes from a tenth to the whole without a step back', async () => {
    const times = fc.array(fc.integer({ min: 0, max: 8000 }), { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...ramps), positive, times, async (scheduler, list, waits) => {
        await using scheduling = new Scheduling({ scheduler, slowStart: { seconds: 30 } }, named(list));
        const before = list.map(() => 0);
        let elapsed = 0;
        for (const wait of waits) {
          scheduling.pass(wait);
          elapsed += wait;
          for (const [i, weight] of list.entries()) {
            const row = scheduling.server(NAMES[i] as string)?.stats();
            assert.equal(row?.weight, weight);
            const now = row?.effectiveWeight ?? 0;
            // The effective weight moves once a second, in twentieths of a weight.
            const due = weight * Math.min(1, 0.1 + (0.9 * elapsed) / 30_000);
            assert.ok(now >= (before[i] ?? 0) && now <= due + 1e-9);
            assert.ok(now >= due - (weight * 0.9) / 30 - 0.051 || elapsed < 1000);
            before[i] = now;
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('gives the new server its share of the effective weights, exactly by wrr in whole rounds', async () => {
    await fc.assert(
      fc.asyncProperty(positive, fc.integer({ min: 0, max: 12_000 }), async (list, wait) => {
        const choice = { scheduler: 'wrr', slowStart: { seconds: 10 } } as const;
        const [last = 1, ...others] = list;
        await using scheduling = new Scheduling(choice, named(others));
        scheduling.pass(11_000);
        scheduling.add({ name: 'h', weight: last });
        scheduling.pass(wait);
        // wrr sees twenty times the effective weight.
        const scaled = [...named(others), { name: 'h' }].map(({ name }) => ({
          name,
          turns: Math.round((scheduling.server(name)?.stats().effectiveWeight ?? 0) * 20),
        }));
        const counts = countsOf(scheduling.open(sum(scaled.map(({ turns }) => turns))));
        for (const { name, turns } of scaled) assert.equal(counts[name] ?? 0, turns);
      }),
      { numRuns: 60 },
    );
  });

  for (const scheduler of ['maglev', 'rendezvous'] as const) {
    it(`moves flows of ${scheduler} to the server whose weight rises, and ${scheduler === 'maglev' ? 'few' : 'none'} between others`, async () => {
      await fc.assert(
        fc.asyncProperty(positive, async (list) => {
          await using scheduling = new Scheduling({ scheduler, slowStart: { seconds: 60 } }, named(list.slice(1)));
          scheduling.pass(61_000);
          scheduling.add({ name: 'h', weight: list[0] as number });
          const flows = 400;
          let before: string[] | undefined;
          for (let look = 0; look < 7; look++) {
            const chosen = scheduling.open(flows);
            const moved = chosen.filter((name, i) => before && name !== before[i] && name !== 'h').length;
            assert.ok(moved <= (scheduler === 'maglev' ? flows * 0.02 : 0), `${moved} flows moved between others`);
            before = chosen;
            scheduling.end(flows);
          }
        }),
        { numRuns: 20 },
      );
    });
  }
});

describe('mid-stream packets that are hashed', () => {
  const hashing: Scheduler[] = ['sh', 'mh', 'maglev', 'rendezvous'];
  const positive = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: NAMES.length });

  it('go where a director with another past sends the first packet', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...hashing),
        positive,
        fc.integer({ min: 0, max: 60 }),
        async (scheduler, list, past) => {
          const choice = { scheduler, schedulerFlags: ['flag-2' as const], midStream: 'hash' as const };
          await using first = new Scheduling(choice, named(list), 1);
          await using second = new Scheduling(choice, named(list), 2);
          second.open(past, 5000);
          const chosen = first.open(60);
          assert.deepEqual(second.open(60, 0, 'A'), chosen);
          assert.equal(second.director.stats().counters.connectionsMidStream, 60n);
        },
      ),
      { numRuns: 60 },
    );
  });
});
