import { strict as assert } from 'node:assert';
import { describeLab, hostState, TestStage } from '../support/lab.js';

describeLab("README's program", () => {
  let stage: TestStage;

  before(async () => {
    stage = await TestStage.open();
  });

  after(async () => {
    await stage?.close();
  });

  const start = () => stage.director.node(new URL('../../examples/readme.js', import.meta.url));

  it('balances three to one, says so each second, and ends on SIGTERM', async () => {
    const program = start();
    await program.line((line) => line.startsWith('10.3.0.11: '));
    const { servers, failures } = await stage.fetchMany({ requests: 40, concurrency: 40 });
    assert.deepEqual(failures, []);
    assert.deepEqual(Object.keys(servers).sort(), ['rs1', 'rs2']);
    assert.ok((servers.rs1 ?? 0) > (servers.rs2 ?? 0), `rs1 ${servers.rs1}, rs2 ${servers.rs2}`);
    assert.deepEqual(await program.stop('SIGTERM'), { code: 0, signal: null }, program.stderr);
  });

  it('leaves the host as it was on Ctrl-C', async () => {
    const before = await hostState(stage.director);
    const program = start();
    await program.line((line) => line.startsWith('10.3.0.11: '));
    assert.deepEqual(await program.stop('SIGINT'), { code: 0, signal: null }, program.stderr);
    assert.equal(await hostState(stage.director), before);
  });
});
