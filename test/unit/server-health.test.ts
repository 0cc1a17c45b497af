/** What health says of real servers: the list, their connections, sorry servers. */
import { strict as assert } from 'node:assert';
import { inspect } from 'node:util';
import fc from 'fast-check';
import {
  Director,
  type HealthCondition,
  type OfflineDirector,
  type OnDown,
  onDownKinds,
  type RealServer,
  tablePolicy,
} from '../../lib/index.js';
import { native } from '../../lib/native/addon.js';
import { saveAll } from '../../lib/rules/adm/save-all.js';
import { parseRules } from '../../lib/rules/parse-rules.js';
import { putIntoForce } from '../../lib/rules/put-into-force.js';
import { reconcile } from '../../lib/rules/reconcile.js';
import { RulesSession } from '../../lib/rules/session.js';
import { heldBy, type Wanted } from '../../lib/rules/wanted.js';
import { readOuter, tcp } from '../support/packets.js';
import { serversOf } from '../support/servers-of.js';

const VIP = '192.0.2.1';
const UP: HealthCondition = { isUp: true, isOut: false, onDown: 'reset' };
const OUT: HealthCondition = { isUp: false, isOut: true, onDown: 'reset' };

function withSorry() {
  const director = Director.offline({ source: '10.9.0.1', seed: 1 });
  const web = director.addVirtualService({ protocol: 'tcp', address: VIP, port: 80, scheduler: 'rr' });
  const first = web.addRealServer({ address: '10.0.0.11', weight: 3 });
  const second = web.addRealServer({ address: '10.0.0.12', weight: 3 });
  const sorry = web.addRealServer({ address: '10.0.0.99', isSorry: true });
  return { director, web, first, second, sorry };
}

const saidOf = (...pairs: [RealServer, HealthCondition | undefined][]) => new Map(pairs);

async function print(director: OfflineDirector, rules: string): Promise<string> {
  let text = '';
  const lines = parseRules(rules, { file: 'web.rules', support: native, isTimed: false });
  for await (const part of new RulesSession(director).execute(lines)) text += part;
  return text;
}

describe('what health says', () => {
  it('takes a server out of the list and brings it back, while the word by hand stays what it was', () => {
    const { director, web, first } = withSorry();
    assert.equal(first.health, undefined);
    assert.equal(web.applyHealth(saidOf([first, OUT])), 1);
    assert.deepEqual([first.health, first.isUp, first.weight, first.stats().effectiveWeight], [OUT, true, 3, 0]);
    assert.deepEqual(first.stats().health, OUT);
    assert.deepEqual(serversOf(director), { '10.0.0.12': 12 });
    first.isUp = false;
    web.applyHealth(saidOf([first, UP]));
    assert.deepEqual(serversOf(director), { '10.0.0.12': 12 });
    first.isUp = true;
    assert.deepEqual(serversOf(director), { '10.0.0.11': 6, '10.0.0.12': 6 });
    web.applyHealth(saidOf([first, undefined]));
    assert.equal(first.health, undefined);
  });

  it('is told once of all that changes, and of nothing when it says the same again', () => {
    const { director, web, first, second } = withSorry();
    const told: string[] = [];
    director.on('realServer', ({ server }) =>
      told.push(`${server.address} ${web.realServers.map((s) => s.health?.isUp)}`),
    );
    assert.equal(web.applyHealth(saidOf([first, OUT], [second, OUT])), 2);
    assert.equal(web.applyHealth(saidOf([first, { ...OUT }], [second, OUT])), 0);
    assert.deepEqual(told, ['10.0.0.11 false,false,true', '10.0.0.12 false,false,true']);
  });

  it('is taken back with the transaction that fails', () => {
    const { director, web, first } = withSorry();
    assert.throws(() =>
      director.transaction(() => {
        web.applyHealth(saidOf([first, OUT]));
        throw new Error('no');
      }),
    );
    assert.equal(first.health, undefined);
    assert.equal(first.stats().health, undefined);
  });

  it('outlives edits, drains and policies, and these outlive it', async () => {
    const { web, first } = withSorry();
    web.applyHealth(saidOf([first, OUT]));
    first.edit({ weight: 5 });
    await first.drain();
    first.assignWeight(9);
    web.applyHealth(saidOf([first, UP]));
    assert.deepEqual([first.weight, first.isDraining, first.assignedWeight, first.health], [5, true, 9, UP]);
    first.undrain();
    assert.equal(first.stats().effectiveWeight, 9);
  });

  it('is refused what it cannot be', () => {
    const { web, first } = withSorry();
    for (const [wrong, name] of [
      [{ onDown: 'close' }, 'onDown'],
      [{ isOut: 1 }, 'isOut'],
      [{ weight: -1 }, 'weight'],
      [{ factor: Number.POSITIVE_INFINITY }, 'factor'],
      [{ factor: -0.5 }, 'factor'],
      [{ add: 0.5 }, 'add'],
      [{ up: true }, 'up'],
    ] as const)
      assert.throws(() => web.applyHealth(saidOf([first, { ...UP, ...wrong } as never])), { option: name });
    assert.equal(first.health, undefined);
  });

  it('makes the weight by one rule, here and in the native part', () => {
    const { web, first } = withSorry();
    const optional = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: undefined });
    const health = fc.record(
      {
        isUp: fc.boolean(),
        isOut: fc.boolean(),
        onDown: fc.constantFrom(...onDownKinds),
        weight: fc.integer({ min: 0, max: 0x7fffffff }),
        factor: fc.double({ min: 0, max: 1e12, noNaN: true }),
        add: fc.integer({ min: -100, max: 100 }),
      },
      { requiredKeys: ['isUp', 'isOut', 'onDown'], noNullPrototype: true },
    );
    const assigned = optional(fc.integer({ min: 0, max: 300 }));
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0x7fffffff }), assigned, health, (weight, assignedWeight, said) => {
        first.edit({ weight });
        first.assignWeight(assignedWeight);
        web.applyHealth(saidOf([first, said]));
        assert.equal(first.stats().effectiveWeight, first.fullWeight);
        if (!said.isUp || said.isOut || weight === 0) assert.equal(first.fullWeight, 0);
        assert.deepEqual(first.health, said);
      }),
    );
  });

  it('has a policy pass over the server', () => {
    const { director, web, first } = withSorry();
    const seen: string[][] = [];
    const build = (servers: readonly { address: string }[]) => {
      seen.push(servers.map(({ address }) => address));
      return [0];
    };
    web.edit({ policy: tablePolicy(build) });
    web.applyHealth(saidOf([first, OUT]));
    assert.deepEqual(serversOf(director), { '10.0.0.12': 12 });
    assert.deepEqual(seen, [['10.0.0.11', '10.0.0.12'], ['10.0.0.12']]);
  });
});

describe('the connections of a server that is down by health', () => {
  const flow = { from: '198.51.100.7:2000', to: `${VIP}:80` };
  const becomes: Record<OnDown, { verdict: string; goesTo?: string; answers: number; reset: bigint; moved: bigint }> = {
    keep: { verdict: 'forwarded', goesTo: '10.0.0.11', answers: 0, reset: 0n, moved: 0n },
    drop: { verdict: 'dropServerDown', answers: 0, reset: 0n, moved: 0n },
    reset: { verdict: 'dropConnectionReset', answers: 1, reset: 1n, moved: 0n },
    reschedule: { verdict: 'forwarded', goesTo: '10.0.0.12', answers: 0, reset: 0n, moved: 1n },
  };
  for (const onDown of onDownKinds) {
    it(`become what onDown '${onDown}' says, as explain() foretells`, () => {
      const { director, web, first, second } = withSorry();
      second.isUp = false;
      director.process([tcp(flow), tcp({ ...flow, flags: 'A' })], 0);
      second.isUp = true;
      web.applyHealth(saidOf([first, { ...OUT, onDown }]));
      const packet = tcp({ ...flow, flags: 'A' });
      const expected = becomes[onDown];
      assert.equal(director.explain(packet).verdict, expected.verdict);
      const { verdicts, outputs } = director.process([packet], 0);
      assert.deepEqual(verdicts, [expected.verdict]);
      if (expected.goesTo !== undefined) {
        const [output] = outputs;
        assert.ok(output);
        assert.equal(readOuter(output.data).destination, expected.goesTo);
      } else assert.equal(outputs.length, expected.answers);
      const { connectionsReset, connectionsRescheduled } = director.stats().counters;
      assert.deepEqual([connectionsReset, connectionsRescheduled], [expected.reset, expected.moved]);
    });
  }
});

describe('a sorry server', () => {
  it('is out of the list until health puts it in force, with the others leaving at the same moment', () => {
    const { director, web, first, second, sorry } = withSorry();
    assert.deepEqual([sorry.isSorry, first.isSorry, sorry.stats().effectiveWeight], [true, false, 0]);
    assert.deepEqual(serversOf(director), { '10.0.0.11': 6, '10.0.0.12': 6 });
    web.applyHealth(saidOf([first, OUT], [second, OUT], [sorry, UP]));
    assert.deepEqual(serversOf(director), { '10.0.0.99': 12 });
    web.applyHealth(saidOf([first, UP], [second, UP], [sorry, undefined]));
    assert.deepEqual(serversOf(director), { '10.0.0.11': 6, '10.0.0.12': 6 });
    assert.equal(sorry.stats().activeConnections + sorry.stats().inactiveConnections, 12);
  });

  it('may be added down by hand, and is refused what is neither true nor false', () => {
    const { web } = withSorry();
    const more = web.addRealServer({ address: '10.0.0.98', isSorry: true, isUp: false, weight: 2 });
    assert.deepEqual([more.isSorry, more.isUp, more.weight], [true, false, 2]);
    assert.throws(() => web.addRealServer({ address: '10.0.0.97', isSorry: 1 as never }), { option: 'isSorry' });
    assert.throws(() => more.edit({ isSorry: false } as never), /no option "isSorry"/);
    more.edit({ weight: 4 });
    assert.equal(more.isSorry, true);
  });

  it('shows itself as one, and the others show nothing', () => {
    const { web, first, sorry } = withSorry();
    assert.equal(JSON.parse(JSON.stringify(sorry)).isSorry, true);
    assert.equal('isSorry' in JSON.parse(JSON.stringify(first)), false);
    assert.match(inspect(web), /10\.0\.0\.99:80 weight 1, sorry, out/);
    web.applyHealth(saidOf([first, OUT]));
    assert.match(inspect(web), /10\.0\.0\.11:80 weight 3, down, out/);
    assert.equal(web.stats().servers.filter(({ isSorry }) => isSorry).length, 1);
  });

  it('is listed with its weight, left out by -S, and a comment of -S --all', async () => {
    const { director } = withSorry();
    assert.match(await print(director, '-L -n'), /10\.0\.0\.99:80 +Tunnel +0 /);
    const saved = await print(director, '-S -n');
    assert.doesNotMatch(saved, /10\.0\.0\.99/);
    assert.match(saved, /10\.0\.0\.11/);
    const all = saveAll(
      {
        services: () => director.stats().services,
        timeouts: director.timeouts,
        marks: [],
        sync: {},
        connections: () => director.connections(),
      },
      director,
    );
    assert.deepEqual(
      all.filter((line) => line.includes('10.0.0.99')),
      ['# sorry server: -a -t 192.0.2.1:80 -r 10.0.0.99:80 -i -w 1 --tun-type ipip'],
    );
  });

  it('is reconciled: another server takes its place when an ordinary one is wanted, and its connections stay', () => {
    const { director, web, first, second, sorry } = withSorry();
    web.applyHealth(saidOf([first, OUT], [second, OUT], [sorry, UP]));
    serversOf(director);
    assert.deepEqual(reconcile(heldBy(director), heldBy(director)), []);
    const wanting = (isSorry: boolean): Wanted => {
      const wanted = heldBy(director);
      for (const { servers } of wanted.services)
        for (const { address, settings } of servers) {
          delete settings.isSorry;
          if (address === sorry.address && isSorry) settings.isSorry = true;
        }
      return wanted;
    };
    assert.deepEqual(reconcile(heldBy(director), wanting(true)), []);
    const steps = reconcile(heldBy(director), wanting(false));
    assert.deepEqual(
      steps.map(({ op }) => op),
      ['deleteServer', 'addServer'],
    );
    putIntoForce(director, steps);
    const after = web.realServer({ address: sorry.address });
    assert.ok(after);
    const { activeConnections, inactiveConnections } = after.stats();
    assert.deepEqual([after.isSorry, activeConnections + inactiveConnections], [false, 12]);
    putIntoForce(director, reconcile(heldBy(director), wanting(true)));
    assert.equal(web.realServer({ address: sorry.address })?.isSorry, true);
  });
});
