/** A configuration that is reloaded again and again while requests run. */
import { strict as assert } from 'node:assert';
import { Agent } from '../../lib/lab/agent.js';
import { describeLab, PORT, TestStage } from '../support/lab.js';

const ROUNDS = 1_000;
const WRONG_EVERY = 50;

describeLab('a thousand reloads that change weights, add and remove servers', function () {
  this.timeout(120_000);
  let stage: TestStage;
  let agent: Agent;

  before(async () => {
    stage = await TestStage.open();
    agent = await Agent.connect(stage.director.node(new URL('../support/programs/spec-agent.js', import.meta.url)));
  });

  after(async () => {
    await agent?.call('close');
    await agent?.process.stop();
    await stage?.close();
  });

  it('lose no request, keep each connection on its server, and change nothing where a spec is wrong', async () => {
    const [passing = '', ...staying] = stage.servers.map(({ address }) => address).toReversed();
    const { directorAddress: source } = stage.topology;
    const pool = { source, address: stage.virtualAddress, port: PORT, staying, passing };
    await agent.call('open', pool);

    const passes = stage.names.get(passing);
    const kept: { connection: string; server: string; localPort: number }[] = [];
    for (let index = 0; index < 12; index++) {
      const connection = `kept${index}`;
      const { server, localPort } = await stage.fetch({ connection });
      if (server !== passes) kept.push({ connection, server, localPort });
    }
    assert(kept.length > 0);

    let isOver = false;
    const reloaded = agent.call('reload', { pool, rounds: ROUNDS, wrongEvery: WRONG_EVERY }).finally(() => {
      isOver = true;
    }) as Promise<{ changes: number; refused: number; changedByMistake: number }>;
    const seen: Record<string, number> = {};
    let answered = 0;
    const request = async () => {
      const { failures, servers } = await stage.fetchMany({ requests: 20, concurrency: 2, timeoutMs: 30_000 });
      assert.deepEqual(failures, []);
      for (const [name, count] of Object.entries(servers)) {
        seen[name] = (seen[name] ?? 0) + count;
        answered += count;
      }
    };
    const useKept = async () => {
      for (const { connection, server, localPort } of kept) {
        const { server: now, localPort: port, intact } = await stage.fetch({ connection, timeoutMs: 30_000 });
        assert.deepEqual([now, port, intact], [server, localPort, true]);
      }
    };
    // A request to the server that passes may wait for a retransmission; it holds up none but its own lane.
    const whileReloading = async (step: () => Promise<void>) => {
      while (!isOver) await step();
    };
    await Promise.all([useKept, request, request, request, request].map(whileReloading));
    const { changes, refused, changedByMistake } = await reloaded;
    assert.deepEqual([refused, changedByMistake], [ROUNDS / WRONG_EVERY, 0]);
    assert(changes > ROUNDS, `${changes}`);
    assert(answered > 100, `${answered}`);
    assert.deepEqual(Object.keys(seen).sort(), [...stage.names.values()].sort());
  });
});
