/** What each scheduler promises, whatever the weights; docs/schedulers.md says it in words. */
import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { native } from '../../lib/native/addon.js';
import type { Scheduler, SchedulerFlag } from '../../lib/values/scheduler.js';
import type { SchedulerChoice } from '../../lib/values/scheduler-options.js';
import type { ServiceBehaviour } from '../../lib/values/service-behaviour.js';
import { countsOf, Scheduling, type ServerSetting } from '../support/scheduling.js';

const NAMES = 'abcdefgh';

type Weights = number[];
type Counts = number[];
/**
 * Throws when `counts` of `flows` lasting connections break the scheduler's promise. The servers are in the order of
 * adding.
 */
type ShareCheck = (counts: Counts, weights: Weights, flows: number) => void;

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

function evenlyAmongThoseWithWeight(counts: Counts, weights: Weights): void {
  const taking = counts.filter((_, i) => weights[i] !== 0);
  assert.ok(Math.max(...taking) - Math.min(...taking) <= 1, 'connections differ by one at most');
}

/**
 * Nobody would have been better served elsewhere: the last connection of each server was not one too many. `ahead` is
 * sed's count.
 */
const fairByWeight =
  (ahead: number): ShareCheck =>
  (counts, weights) => {
    for (const [i, mine] of counts.entries()) {
      for (const [j, theirs] of counts.entries()) {
        const [weight, other] = [weights[i] ?? 0, weights[j] ?? 0];
        if (weight === 0 || other === 0 || mine <= 1) continue;
        assert.ok((mine - 1 + ahead) * other <= (theirs + ahead) * weight, `server ${i} took one that was due to ${j}`);
      }
    }
  };

function exactInWholeRounds(counts: Counts, weights: Weights, flows: number): void {
  assert.deepEqual(
    counts,
    weights.map((weight) => (flows * weight) / sum(weights)),
  );
}

/** Allows six standard deviations of as many independent draws by weight, and `slack` of the flows. */
const byChance =
  (slack = 0): ShareCheck =>
  (counts, weights, flows) => {
    for (const [i, count] of counts.entries()) {
      const share = (weights[i] ?? 0) / sum(weights);
      const allowed = 6 * Math.sqrt(flows * share * (1 - share)) + slack * flows + 2;
      assert.ok(Math.abs(count - flows * share) <= allowed, `server ${i} took ${count}, ${flows * share} were due`);
    }
  };

function heaviestAlone(counts: Counts, weights: Weights, flows: number): void {
  const heaviest = weights.lastIndexOf(Math.max(...weights));
  assert.deepEqual(
    counts,
    weights.map((_, i) => (i === heaviest ? flows : 0)),
  );
}

/** Each server has room for its weight and one more, heavier servers first. */
function heaviestUntilFull(counts: Counts, weights: Weights, flows: number): void {
  const order = weights.map((weight, i) => ({ weight, i })).sort((a, b) => b.weight - a.weight || b.i - a.i);
  let left = flows;
  for (const { weight, i } of order) {
    const expected = weight === 0 ? 0 : Math.min(left, weight + 1);
    assert.equal(counts[i], expected);
    left -= expected;
  }
}

/** The table has 256 buckets in rows; a row that the table's end cuts is short by less than a round. */
function byRows(counts: Counts, weights: Weights, flows: number): void {
  const round = sum(weights.map((weight) => Math.max(weight, 1)));
  byChance((round + 16) / 256)(counts, weights, flows);
}

const PROMISES: Partial<Record<Scheduler, ShareCheck>> = {
  rr: evenlyAmongThoseWithWeight,
  wrr: exactInWholeRounds,
  lc: evenlyAmongThoseWithWeight,
  wlc: fairByWeight(0),
  sed: fairByWeight(1),
  nq: fairByWeight(1),
  fo: heaviestAlone,
  ovf: heaviestUntilFull,
  mh: byChance(),
  sh: byRows,
  maglev: byChance(),
  rendezvous: byChance(),
  twos: byChance(),
  p2c: byChance(),
};

const weights = fc
  .array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: NAMES.length })
  .filter((list) => list.some((weight) => weight > 0));

/** There is no fallback: clients of a server of weight 0 are refused, which is no server's share. */
const withoutZeros = (scheduler: string) => ['sh', 'mh', 'dh'].includes(scheduler);

describe('shares of lasting connections', () => {
  for (const [scheduler, promise] of Object.entries(PROMISES) as [Scheduler, ShareCheck][]) {
    it(`are what ${scheduler} promises`, async () => {
      const list = withoutZeros(scheduler) ? weights.filter((each) => !each.includes(0)) : weights;
      await fc.assert(
        fc.asyncProperty(list, fc.integer({ min: 1, max: 20 }), async (each, rounds) => {
          const flows = sum(each) * rounds;
          const servers = each.map((weight, i) => ({ name: NAMES[i] as string, weight }));
          await using scheduling = new Scheduling({ scheduler }, servers);
          const counts = countsOf(scheduling.open(flows));
          promise(
            servers.map(({ name }) => counts[name] ?? 0),
            each,
            flows,
          );
        }),
        { numRuns: 60 },
      );
    });
  }

  it('have a promise for each scheduler but those that go by destination', () => {
    const others = native.schedulers.filter((name) => !(name in PROMISES));
    assert.deepEqual(others, ['dh', 'lblc', 'lblcr']);
  });

  it('are one server for a service of one address by dh, and by lblc until that has outgrown its weight', async () => {
    const servers = [...'abc'].map((name) => ({ name, weight: 5 }));
    for (const scheduler of ['dh', 'lblc', 'lblcr'] as const) {
      await using scheduling = new Scheduling({ scheduler }, servers);
      assert.equal(new Set(scheduling.open(6)).size, 1, scheduler);
      assert.equal(
        new Set(scheduling.open(30, 100)).size,
        scheduler === 'dh' ? 1 : 3 - Number(scheduler === 'lblc'),
        scheduler,
      );
    }
  });
});

describe('when the set of servers changes', () => {
  const FLOWS = 1000;

  interface Change {
    /** Of all servers, the one that comes or goes included. */
    weights: Weights;
    /** Which of them. */
    one: number;
    does: 'come' | 'go';
  }

  /** Which parts of the flows have the one as their server before or after, and which move between the others. */
  async function moved(scheduler: Scheduler, { weights, one, does }: Change) {
    const servers = weights.map((weight, i) => ({ name: NAMES[i] as string, weight }));
    const mover = servers[one] as ServerSetting;
    const others = servers.filter((each) => each !== mover);
    await using before = new Scheduling({ scheduler }, does === 'go' ? servers : others);
    await using after = new Scheduling({ scheduler }, does === 'go' ? servers : others);
    if (does === 'go') after.server(mover.name)?.delete();
    else after.add(mover);
    const then = after.open(FLOWS);
    let [own, needless] = [0, 0];
    for (const [i, name] of before.open(FLOWS).entries()) {
      if (name === mover.name || then[i] === mover.name) own++;
      else if (then[i] !== name) needless++;
    }
    return { own, needless };
  }

  const setting = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 2, maxLength: NAMES.length }).chain((weights) =>
    fc.record({
      ...{ weights: fc.constant(weights), one: fc.nat(weights.length - 1) },
      does: fc.constantFrom<Change['does']>('come', 'go'),
    }),
  );

  for (const [scheduler, mostOthers] of [
    ['rendezvous', 0],
    ['maglev', 0.02],
  ] as const) {
    const rest = mostOthers === 0 ? 'none of the rest' : `at most ${mostOthers * 100} % of the rest`;
    it(`${scheduler} moves the weight's share of what comes or goes, and ${rest}`, async () => {
      await fc.assert(
        fc.asyncProperty(setting, async (change) => {
          const { own, needless } = await moved(scheduler, change);
          const weight = change.weights[change.one] ?? 0;
          byChance()([own, FLOWS - own], [weight, sum(change.weights) - weight], FLOWS);
          assert.ok(needless <= mostOthers * FLOWS, `${needless} of ${FLOWS} flows moved between servers that stayed`);
        }),
        { numRuns: 60 },
      );
    });
  }
});

type Step =
  | { do: 'add'; server: ServerSetting }
  | { do: 'remove'; name: string }
  | { do: 'edit'; server: ServerSetting }
  | { do: 'open'; flows: number };

const name = fc.constantFrom(...NAMES);
const server = fc.record({ name, weight: fc.nat(4), upperThreshold: fc.constantFrom(0, 0, 1, 2, 5) });
const steps = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant('add'), server }),
    fc.record({ do: fc.constant('edit'), server }),
    fc.record({ do: fc.constant('remove'), name }),
    fc.record({ do: fc.constant('open'), flows: fc.integer({ min: 1, max: 12 }) }),
  ) as fc.Arbitrary<Step>,
  { maxLength: 40 },
);

/** The state of a new connection's server just before the connection. */
interface Seen {
  weight: number;
  overloaded: boolean;
}

type Choice = SchedulerChoice & ServiceBehaviour;

/** Each option by itself, with the scheduler that takes it. */
const OPTIONS: Choice[] = [
  { schedulerOptions: { randomStart: true } },
  { schedulerOptions: { stableCursor: true } },
  { schedulerOptions: { stableCursor: true, randomStart: true } },
  { slowStart: { seconds: 1 } },
  { midStream: 'hash' },
];

function isTaken(choice: Choice): boolean {
  try {
    void new Scheduling(choice).director.close();
    return true;
  } catch {
    return false;
  }
}

async function run(choice: Choice, list: readonly Step[], check: (seen: Seen) => void): Promise<void> {
  await using scheduling = new Scheduling(choice);
  let client = 0;
  let opened = 0;
  const rows = () => scheduling.director.stats().services[0]?.servers ?? [];
  for (const step of list) {
    if (step.do === 'open') {
      for (let i = 0; i < step.flows; i++) {
        const before = rows();
        // This leaves time for slow starts to go on, but less than the first connection lives.
        scheduling.pass(100);
        const [chosen = '-'] = scheduling.open(1, client++, choice.midStream === 'hash' && i % 2 === 1 ? 'A' : 'S');
        if (chosen === '-') continue;
        opened++;
        const row = before.find(({ address }) => address === scheduling.server(chosen)?.address);
        assert.ok(row, `${chosen}, which was chosen, is a real server`);
        check(row);
      }
    } else {
      const known = scheduling.server(step.do === 'remove' ? step.name : step.server.name);
      if (step.do === 'add' && !known) scheduling.add(step.server);
      else if (step.do === 'remove') known?.delete();
      else if (step.do === 'edit')
        known?.edit({ weight: step.server.weight, upperThreshold: step.server.upperThreshold ?? 0 });
    }
    // Removed servers keep their connections; those that are there have at most as many as were opened, and none below
    // zero.
    const counts = rows().map(({ activeConnections, inactiveConnections }) => [activeConnections, inactiveConnections]);
    assert.ok(counts.flat().every((count) => count >= 0));
    assert.ok(sum(counts.flat()) <= opened);
    assert.equal(scheduling.director.stats().table.ipv4, opened);
  }
}

describe('through any changes between packets', () => {
  /** As in IPVS, a destination that lblc remembers goes to its server even if that is at its threshold. */
  const takesOverloaded = ['lblc'];

  for (const scheduler of native.schedulers as Scheduler[]) {
    const rule = takesOverloaded.includes(scheduler) ? 'of weight 0' : 'of weight 0 or at its threshold';
    it(`${scheduler} never chooses a server ${rule}`, async () => {
      const flags = fc.subarray(['flag-1', 'flag-2'] as SchedulerFlag[]);
      const options = fc.constantFrom({}, ...OPTIONS.filter((each) => isTaken({ scheduler, ...each })));
      await fc.assert(
        fc.asyncProperty(flags, options, steps, async (schedulerFlags, given, list) => {
          await run({ scheduler, schedulerFlags, ...given }, list, ({ weight, overloaded }) => {
            assert.notEqual(weight, 0);
            if (!takesOverloaded.includes(scheduler)) assert.equal(overloaded, false);
          });
        }),
        { numRuns: 40 },
      );
    });
  }
});
