/** A busy event loop of the process that embeds a director does not hold packets up. */
import { strict as assert } from 'node:assert';
import { setTimeout as sleep } from 'node:timers/promises';
import { addService, DirectorAgent } from '../support/director-agent.js';
import { describeLab, PORT, TestStage } from '../support/lab.js';

const BLOCKED_MS = 5_000;

describeLab('a director in a process whose event loop is blocked for five seconds', () => {
  let stage: TestStage;
  let director: DirectorAgent;

  before(async () => {
    stage = await TestStage.open();
    director = await DirectorAgent.open(stage.director, { source: stage.topology.directorAddress });
    await addService(director, {
      address: stage.virtualAddress,
      port: PORT,
      scheduler: 'rr',
      servers: stage.servers.map(({ address }) => ({ address })),
    });
  });

  after(async () => {
    await director?.close();
    await stage?.close();
  });

  it('goes on forwarding established and new connections all the while', async () => {
    const { server } = await stage.fetch({ connection: 'established' });
    let isBlocked = true;
    const blocked = director.block(BLOCKED_MS).then(() => {
      isBlocked = false;
    });
    let roundsWhileBlocked = 0;
    while (isBlocked) {
      const established = await stage.fetch({ connection: 'established', timeoutMs: 4_000 });
      const fresh = await stage.fetchMany({ requests: 6, concurrency: 3, timeoutMs: 4_000 });
      assert.equal(established.server, server);
      assert.deepEqual(fresh.failures, []);
      assert.deepEqual(Object.keys(fresh.servers).sort(), ['rs1', 'rs2', 'rs3']);
      if (isBlocked) roundsWhileBlocked += 1;
      await sleep(100);
    }
    await blocked;
    assert.ok(roundsWhileBlocked > 0, 'no round ended while the event loop was blocked');
  });
});
