/** A listener of a director may throw or close it, and what it is told of has happened all the same. */
import { strict as assert } from 'node:assert';
import { Director, weightsPolicy } from '../../lib/index.js';
import { native } from '../../lib/native/addon.js';
import { applyRules } from '../../lib/rules/apply.js';
import { parseRules } from '../../lib/rules/parse-rules.js';

function withTwoServers() {
  const director = Director.offline({ source: '10.9.0.1' });
  const web = director.addVirtualService({ protocol: 'tcp', address: '192.0.2.1', port: 80, scheduler: 'wrr' });
  const [first, second] = ['10.0.0.11', '10.0.0.12'].map((address) => web.addRealServer({ address }));
  assert.ok(first && second);
  return { director, web, first, second };
}

/** Returns the uncaught exceptions while `run` runs and in the turn after it. */
async function uncaughtIn(run: () => unknown): Promise<string[]> {
  const uncaught: string[] = [];
  const mocha = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => uncaught.push(error.message));
  try {
    await run();
    await new Promise((resolve) => setImmediate(resolve));
  } finally {
    process.removeAllListeners('uncaughtException');
    for (const listener of mocha) process.on('uncaughtException', listener);
  }
  return uncaught;
}

const mine = (): never => {
  throw new Error('mine');
};

describe('a listener that throws', () => {
  it('fails no transaction that is in force, and keeps no news from others', async () => {
    const { director, first, second } = withTwoServers();
    const told: string[] = [];
    director.once('realServer', mine);
    director.on('realServer', ({ server }) => told.push(server.address));
    const uncaught = await uncaughtIn(() =>
      director.transaction(() => {
        first.weight = 5;
        second.weight = 6;
      }),
    );
    assert.deepEqual([uncaught, told, first.weight, second.weight], [['mine'], ['10.0.0.12'], 5, 6]);
  });

  it('is no failure of a policy', async () => {
    const { director, web, first } = withTwoServers();
    const failed: string[] = [];
    director.on('event', ({ type }) => failed.push(type));
    web.edit({ policy: weightsPolicy(() => [7, 8]) });
    director.once('realServer', mine);
    const uncaught = await uncaughtIn(async () => assert.equal(await web.policy?.refresh(), true));
    assert.deepEqual([uncaught, failed, first.assignedWeight], [['mine'], [], 7]);
  });

  it('makes no rules half of what they are', async () => {
    const { director } = withTwoServers();
    director.once('realServer', mine);
    const text = '--set 77 0 0\n-e -t 192.0.2.1:80 -r 10.0.0.11 -w 9\n';
    const lines = parseRules(text, { file: 'web.rules', support: native, isTimed: false });
    const uncaught = await uncaughtIn(() => applyRules(director, lines));
    const { weight } = director.stats().services[0]?.servers.find(({ address }) => address === '10.0.0.11') ?? {};
    assert.deepEqual([uncaught, director.timeouts.tcp, weight], [['mine'], 77, 9]);
  });

  it('fails no setting that it was warned of, and no closing', async () => {
    const { director } = withTwoServers();
    director.once('warning', mine);
    director.once('close', mine);
    const uncaught = await uncaughtIn(() => {
      director.setSysctl('conntrack', 1);
      return director.close();
    });
    assert.deepEqual(uncaught, ['mine', 'mine']);
  });
});

describe('a listener that closes the director', () => {
  it('hears of nothing after that', () => {
    const { director, first, second } = withTwoServers();
    const told: string[] = [];
    director.on('realServer', ({ server }) => {
      told.push(server.address);
      void director.close();
    });
    director.on('close', () => told.push('close'));
    director.transaction(() => {
      first.weight = 5;
      second.weight = 6;
    });
    assert.deepEqual(told, ['10.0.0.11', 'close']);
  });
});
