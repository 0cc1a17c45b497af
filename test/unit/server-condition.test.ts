/** What is known of a real server beside its configuration: health, drains, the weights that policies assign. */
import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { Director, type OfflineDirector, type RealServer, tablePolicy } from '../../lib/index.js';
import { native } from '../../lib/native/addon.js';
import { parseRules } from '../../lib/rules/parse-rules.js';
import { RulesSession } from '../../lib/rules/session.js';
import { fullWeight } from '../../lib/values/server-condition.js';
import { serversOf } from '../support/servers-of.js';

const VIP = '192.0.2.1';

function withTwoServers() {
  const director = Director.offline({ source: '10.9.0.1', seed: 1 });
  const web = director.addVirtualService({ protocol: 'tcp', address: VIP, port: 80, scheduler: 'wrr' });
  const [first, second] = ['10.0.0.11', '10.0.0.12'].map((address) => web.addRealServer({ address, weight: 3 }));
  assert.ok(first && second);
  return { director, web, first, second };
}

async function print(director: OfflineDirector, rules: string): Promise<string> {
  let text = '';
  const lines = parseRules(rules, { file: 'web.rules', support: native, isTimed: false });
  for await (const part of new RulesSession(director).execute(lines)) text += part;
  return text;
}

describe('draining in a transaction', () => {
  it('is refused when that fails, also where there is nothing to wait for', async () => {
    const { director, first } = withTwoServers();
    let drained: Promise<unknown> | undefined;
    assert.throws(() =>
      director.transaction(() => {
        drained = first.drain();
        throw new Error('no');
      }),
    );
    await assert.rejects(drained as Promise<unknown>, { code: 'ERR_TUNVS_BUSY', message: /transaction that failed/ });
    assert.deepEqual([first.isDraining, first.stats().effectiveWeight], [false, 3]);
  });

  it('can be of a server that is added there', async () => {
    const { director, web } = withTwoServers();
    const drained = director.transaction(() => ({ end: web.addRealServer({ address: '10.0.0.13' }).drain() }));
    assert.deepEqual(await drained.end, { ended: 0 });
    assert.equal(web.realServer({ address: '10.0.0.13' })?.stats().effectiveWeight, 0);
  });

  it('is taken back without news where there is none', () => {
    const { director, first } = withTwoServers();
    const told: string[] = [];
    director.on('realServer', ({ change }) => told.push(change));
    first.undrain();
    assert.deepEqual(told, []);
  });
});

describe('a real server that is down', () => {
  it('gets no new connections, keeps its weight and what it has, and comes back with it', () => {
    const { director, first } = withTwoServers();
    const before = serversOf(director);
    assert.deepEqual(before, { '10.0.0.11': 6, '10.0.0.12': 6 });
    first.isUp = false;
    assert.deepEqual(serversOf(director), { '10.0.0.12': 12 });
    const { weight, effectiveWeight, isUp, inactiveConnections, activeConnections } = first.stats();
    assert.deepEqual([weight, effectiveWeight, isUp, inactiveConnections + activeConnections], [3, 0, false, 6]);
    first.edit({ weight: 6 });
    assert.deepEqual([first.weight, first.isUp, first.stats().effectiveWeight], [6, false, 0]);
    first.edit({ isUp: true });
    assert.deepEqual(serversOf(director), { '10.0.0.11': 8, '10.0.0.12': 4 });
  });

  it('gets those that persistence keeps it for, as at weight 0 and while it drains, until the sysctl says otherwise', () => {
    for (const quiesce of [
      (server: RealServer) => server.edit({ isUp: false }),
      (server: RealServer) => server.edit({ weight: 0 }),
      (server: RealServer) => void server.drain().catch(() => {}),
    ]) {
      const { director, web, first, second } = withTwoServers();
      web.edit({ persistence: { timeoutSeconds: 60 } });
      const [kept] = Object.keys(serversOf(director));
      quiesce(kept === first.address ? first : second);
      assert.deepEqual(serversOf(director), { [kept as string]: 12 });
      director.setSysctl('expire_quiescent_template', 1);
      assert.deepEqual(serversOf(director)[kept as string], undefined);
    }
  });

  it('may begin so, and is told of as edited when that changes', () => {
    const { director, web } = withTwoServers();
    const told: string[] = [];
    director.on('realServer', ({ change, server }) => told.push(`${change} ${server.address} ${server.isUp}`));
    const late = web.addRealServer({ address: '10.0.0.13', isUp: false });
    assert.equal(serversOf(director)['10.0.0.13'], undefined);
    late.isUp = true;
    assert.deepEqual(told, ['added 10.0.0.13 false', 'edited 10.0.0.13 true']);
  });

  it('changes nothing when it is told again what it was told, so that the walk of wrr goes on', () => {
    const { director, first, second } = withTwoServers();
    let told = 0;
    director.on('realServer', () => told++);
    const counts: Record<string, number> = {};
    for (let round = 0; round < 12; round++) {
      for (const server of [first, second]) {
        server.isUp = true;
        server.undrain();
      }
      for (const address of Object.keys(serversOf(director, 1))) counts[address] = (counts[address] ?? 0) + 1;
    }
    assert.deepEqual(counts, { '10.0.0.11': 6, '10.0.0.12': 6 });
    assert.equal(told, 0);
  });

  it('is refused what is neither true nor false', () => {
    const { web, first } = withTwoServers();
    assert.throws(() => first.edit({ isUp: 1 as never }), /RealServer\.edit: isUp: expected true or false/);
    assert.throws(() => web.addRealServer({ address: '10.0.0.13', isUp: 'no' as never }), /addRealServer: isUp/);
  });

  it('is left as it was when the transaction that says so fails', () => {
    const { director, first } = withTwoServers();
    assert.throws(() =>
      director.transaction(() => {
        first.isUp = false;
        throw new Error('no');
      }),
    );
    assert.deepEqual([first.isUp, first.stats().isUp], [true, true]);
  });

  it('is none of those that a table may lead to', () => {
    const { director, web, first } = withTwoServers();
    const seen: string[][] = [];
    web.edit({
      policy: tablePolicy((servers) => {
        seen.push(servers.map(({ address }) => address));
        return [0];
      }),
    });
    first.isUp = false;
    assert.deepEqual(serversOf(director), { '10.0.0.12': 12 });
    first.isUp = true;
    assert.deepEqual(seen, [['10.0.0.11', '10.0.0.12'], ['10.0.0.12'], ['10.0.0.11', '10.0.0.12']]);
  });
});

describe('a listing', () => {
  it('shows the effective weight, and -S the configured one, which a reload compares', async () => {
    const { director, first, second } = withTwoServers();
    first.isUp = false;
    await second.drain();
    const weights = (text: string) =>
      [...text.matchAll(/10\.0\.0\.1\d:80 +Tunnel +(\d+)/g)].map(([, weight]) => weight);
    assert.deepEqual(weights(await print(director, '-L -n')), ['0', '0']);
    assert.equal((await print(director, '-S -n')).match(/-w 3/g)?.length, 2);
    await print(director, `-e -t ${VIP}:80 -r 10.0.0.12:80 -i -w 5`);
    assert.deepEqual([second.weight, second.isDraining], [5, true]);
    second.undrain();
    assert.deepEqual(weights(await print(director, '-L -n')), ['0', '5']);
  });

  it('shows no 0 for a server that a slow start has given a part of 1', async () => {
    const { director, web } = withTwoServers();
    web.edit({ slowStart: { seconds: 100 } });
    const late = web.addRealServer({ address: '10.0.0.13' });
    assert.ok(late.stats().effectiveWeight < 0.5);
    const text = await print(director, '-L -n');
    assert.match(text, /10\.0\.0\.13:80 +Tunnel +1 /);
  });
});

describe('the weight without a slow start', () => {
  it('is the same here and in the native part', () => {
    const { first, web } = withTwoServers();
    const weight = fc.integer({ min: 0, max: 3 });
    const condition = fc.record({ isUp: fc.boolean(), isDraining: fc.boolean(), assigned: fc.option(weight) });
    fc.assert(
      fc.property(weight, condition, (configured, { isUp, isDraining, assigned }) => {
        first.edit({ weight: configured, isUp });
        if (isDraining) void first.drain();
        else first.undrain();
        first.assignWeight(assigned ?? undefined);
        const assignedWeight = assigned === null ? {} : { assignedWeight: assigned };
        const expected = fullWeight(configured, {
          isUp,
          ...(isDraining && { drainId: Symbol('drain') }),
          ...assignedWeight,
        });
        assert.equal(first.fullWeight, expected);
        const { effectiveWeight, ...stats } = first.stats();
        assert.equal(effectiveWeight, expected);
        assert.deepEqual(
          [stats.weight, stats.isUp, stats.isDraining, stats.assignedWeight],
          [configured, isUp, isDraining, assigned ?? undefined],
        );
        assert.equal(web.realServers.length, 2);
      }),
    );
  });
});
