/** `tunvs run` as an operator uses it: rules from a file, reloaded, ended, killed, started again. */
import { strict as assert } from 'node:assert';
import { eventually } from '../support/eventually.js';
import { DirectorCommand, describeLab, hostState, labRules, PORT, TestStage } from '../support/lab.js';

const STATUS =
  /^tunvs run: status: \S+ {2}\d+ conn\/s {2}.* \d+ connections \(\d+ active\) {2}\d+ packets? dropped so far(?: \(.*\))?$/;

describeLab('tunvs run', () => {
  let stage: TestStage;
  let command: DirectorCommand | undefined;

  before(async () => {
    // A director on a LAN leaves most behind: neighbour entries besides the route.
    stage = await TestStage.open({ topology: 'lan' });
  });

  after(async () => {
    await stage?.close();
  });

  afterEach(async () => {
    await command?.stop();
    command = undefined;
  });

  async function start(): Promise<DirectorCommand> {
    command = await DirectorCommand.start(stage.director, { rules: rules(), source: stage.topology.directorAddress });
    return command;
  }

  function rules(weights: readonly number[] = [1, 1, 1]): string {
    const servers = stage.servers.map(({ address }, index) => ({ address, weight: weights[index] ?? 1 }));
    return labRules(stage.virtualAddress, [{ port: PORT, scheduler: 'rr', servers }]);
  }

  async function assertForwards(): Promise<void> {
    const result = await stage.fetchMany({ requests: 30, concurrency: 10 });
    assert.deepEqual(result.failures, []);
    assert.deepEqual(result.servers, { rs1: 10, rs2: 10, rs3: 10 });
  }

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`ends with exit code 0 on ${signal} and leaves the host as it was`, async () => {
      const before = await hostState(stage.director);
      const director = await start();
      await assertForwards();
      assert.notEqual(await hostState(stage.director), before);
      assert.deepEqual(await director.stop(signal), { code: 0, signal: null });
      assert.equal(await hostState(stage.director), before);
    });
  }

  it('killed with SIGKILL, it leaves no device and nothing that stops the next start', async () => {
    const director = await start();
    await assertForwards();
    assert.deepEqual(await director.stop('SIGKILL'), { code: null, signal: 'SIGKILL' });
    // The kernel may close the last descriptor when the process is over already.
    await eventually(
      () => stage.director.hasDevice('tunvs0'),
      (isThere) => !isThere,
      'the device goes',
    );

    await start();
    await assertForwards();
  });

  it('takes new rules on SIGHUP and keeps the connections it has', async () => {
    const director = await start();
    const { server, localPort } = await stage.fetch({ connection: 'open' });
    const index = stage.servers.findIndex(({ name }) => name === server);
    const { address } = stage.servers[index] ?? {};
    const weights = stage.servers.map((_, other) => (other === index ? 0 : 1));
    await director.reload(rules(weights), ({ services }) =>
      services.some(({ servers }) => servers.some((row) => row.address === address && row.weight === 0)),
    );

    const kept = await stage.fetch({ connection: 'open' });
    assert.deepEqual([kept.server, kept.localPort], [server, localPort]);
    const fresh = await stage.fetchMany({ requests: 20, concurrency: 5 });
    assert.deepEqual(fresh.failures, []);
    assert.equal(fresh.servers[server], undefined);
    await stage.closeConnection('open');
  });

  it('puts the host right when somebody changes it, yields to who does it again and again, and puts it back on SIGHUP', async () => {
    const director = await start();
    const vip = stage.virtualAddress;
    const route = async () => (await stage.director.exec(['ip', 'route', 'show', vip, 'dev', 'tunvs0'])).stdout.trim();
    for (let times = 1; times <= 5; times++) {
      await stage.director.exec(['ip', 'route', 'del', vip, 'dev', 'tunvs0']);
      await eventually(route, (shown) => shown !== '', 'the route is back');
    }
    await director.process.line((line) => line.includes('"event":"hostMended"'));
    await director.process.line((line) => line.includes('"event":"hostContested"'));
    await stage.director.exec(['ip', 'route', 'del', vip, 'dev', 'tunvs0']);
    director.process.kill('SIGHUP');
    const said = await director.process.line((line) => line.includes('"event":"reloaded"'));
    assert.deepEqual(JSON.parse(said), { event: 'reloaded', changes: [], mended: 1 });
    assert.notEqual(await route(), '');
    await assertForwards();
  });

  it('says how it is on SIGUSR2 and SIGUSR1 and goes on, and says at its end which signal it was', async () => {
    const director = await start();
    await assertForwards();
    for (const signal of ['SIGUSR2', 'SIGUSR1'] as const) {
      director.process.kill(signal);
      await eventually(
        async () => director.process.stderr,
        (errors) => errors.split('\n').filter((line) => STATUS.test(line)).length === (signal === 'SIGUSR2' ? 1 : 2),
        `a line of status on ${signal}`,
      );
    }
    assert.doesNotMatch(director.process.stderr, /Debugger listening/);
    await assertForwards();
    const stopped = director.process.line((line) => line.includes('"event":"stopped"'));
    await director.stop('SIGINT');
    assert.deepEqual(JSON.parse(await stopped), { event: 'stopped', reason: 'signal', signal: 'SIGINT' });
  });

  it('says in its statistics what the real servers got', async () => {
    const director = await start();
    await assertForwards();
    const { services } = await director.until((sample) =>
      sample.services.some(
        ({ servers }) => servers.reduce((sum, { totals }) => sum + Number(totals.connections), 0) === 30,
      ),
    );
    assert.deepEqual(
      services[0]?.servers.map(({ totals }) => Number(totals.connections)),
      [10, 10, 10],
    );
  });
});
