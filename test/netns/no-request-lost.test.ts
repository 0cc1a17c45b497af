/**
 * Requests under load while real servers are taken out, or fail. `TUNVS_ROUNDS` says how often each is done; it is 5
 * unless set.
 */
import { strict as assert } from 'node:assert';
import { describeLab, TestStage, type TestServer, UPLINK } from '../support/lab.js';
import { LoadedStage, type LoadResult } from '../support/load.js';

const ROUNDS = Number(process.env.TUNVS_ROUNDS ?? 5);
const SERVERS = 10;

const unplug = ({ host }: TestServer) => host.ip([`link set dev ${UPLINK} down`]);

/** The routes have gone with the link. */
function plugIn({ host, address }: TestServer): void {
  const routes = [`10.3.0.1/32 dev ${UPLINK}`, `default via 10.3.0.1 dev ${UPLINK} src ${address}`];
  host.ip([`link set dev ${UPLINK} up`, ...routes.map((route) => `route add ${route}`)]);
}

describeLab('requests under load', function () {
  this.timeout(60_000 + ROUNDS * 15_000);
  let loaded: LoadedStage;
  let answered: number;
  let lost: number;
  let held: number;
  let reasons: Record<string, number>;

  before(async () => {
    loaded = await LoadedStage.open(await TestStage.open({ realServers: SERVERS }));
  });

  after(() => loaded?.stage.close());

  beforeEach(async () => {
    [answered, lost, held, reasons] = [0, 0, 0, {}];
    await loaded.start();
    await loaded.answered(100);
  });

  afterEach(() => {
    if (process.env.TUNVS_ROUNDS !== undefined)
      console.log(
        `      ${ROUNDS} rounds: ${answered} answered, ${lost} lost, ${held} held by the servers that failed`,
      );
  });

  const serverOf = (round: number) => loaded.stage.servers[round % SERVERS] as TestServer;

  function count(result: LoadResult): LoadResult {
    answered += result.answered;
    lost += result.failures.length;
    for (const { reason } of result.failures) reasons[reason] = (reasons[reason] ?? 0) + 1;
    return result;
  }

  /** Each of the failures is one of the connections that `ports` names, and the client learnt of it as `allowed`. */
  function assertHeld({ failures }: LoadResult, ports: readonly number[], allowed: readonly string[], round: number) {
    held += ports.length;
    const others = failures.filter(({ localPort, reason }) => !ports.includes(localPort) || !allowed.includes(reason));
    assert.deepEqual(others, [], `round ${round}: those held were ${ports}`);
  }

  it('are all answered while one of ten is drained and then stopped', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const server = serverOf(round);
      const drained = await loaded.run(
        async (d, address) =>
          (await d.virtualServices[0]?.realServers.find((s) => s.address === address)?.drain()) ?? 0,
        server.address,
      );
      assert.notEqual(drained, 0);
      await loaded.stopProgram(server, 'SIGTERM');
      await loaded.becomes(server.address, false);
      await loaded.startProgram(server);
      await loaded.becomes(server.address, true);
      await loaded.run(
        (d, address) => d.virtualServices[0]?.realServers.find((s) => s.address === address)?.undrain(),
        server.address,
      );
      const { failures: earlier } = count(await loaded.answered(0));
      const { failures, servers } = count(await loaded.answered(200));
      assert.deepEqual([...earlier, ...failures], [], `round ${round}`);
      assert.ok(servers[server.name] !== undefined, `round ${round}: ${server.name} is back`);
    }
    assert.deepEqual(count(await loaded.stop()).failures, []);
  });

  it('are lost with a host that goes away only where a connection to it stood', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const server = serverOf(round);
      unplug(server);
      // The last packet of a handshake may still be under way to the director; only what stood can be reset.
      const ports = await loaded.portsOf(server.address);
      await loaded.becomes(server.address, false);
      // Those that were about to connect do so at another server with their next SYN, a second after the first.
      const result = await loaded.stop();
      assertHeld(count(result), ports, ['ECONNRESET'], round);
      plugIn(server);
      await loaded.becomes(server.address, true);
      await loaded.start();
      const { failures } = count(await loaded.answered(100));
      assert.deepEqual(failures, [], `round ${round}: back`);
    }
    assert.deepEqual(count(await loaded.stop()).failures, []);
  });

  it('are lost with a program that is killed only where the director had sent them to it', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const server = serverOf(round);
      await loaded.stopProgram(server, 'SIGKILL');
      await loaded.becomes(server.address, false);
      const ports = await loaded.portsOf(server.address);
      const result = await loaded.stop();
      // The host is there: it ends what stood, and refuses what comes until the check has seen it.
      assertHeld(count(result), ports, ['ECONNRESET', 'ECONNREFUSED', 'closed'], round);
      await loaded.start();
      assert.deepEqual(count(await loaded.answered(100)).failures, [], `round ${round}: without it`);
      await loaded.startProgram(server);
      await loaded.becomes(server.address, true);
      assert.deepEqual(count(await loaded.answered(100)).failures, [], `round ${round}: back`);
    }
    assert.deepEqual(count(await loaded.stop()).failures, []);
  });
});

describeLab('a sorry server under load', function () {
  this.timeout(60_000 + ROUNDS * 15_000);
  let loaded: LoadedStage;

  before(async () => {
    loaded = await LoadedStage.open(await TestStage.open({ realServers: 3 }), { sorry: 1 });
  });

  after(() => loaded?.stage.close());

  it('takes over and hands back without a moment in which nobody is there', async () => {
    const [first, second, sorry] = loaded.stage.servers as [TestServer, TestServer, TestServer];
    for (let round = 0; round < ROUNDS; round++) {
      await loaded.start();
      const { servers: before } = await loaded.answered(100);
      assert.equal(before[sorry.name], undefined, `round ${round}: not needed yet`);
      for (const server of [first, second]) unplug(server);
      const ports: number[] = [];
      for (const { address } of [first, second]) ports.push(...(await loaded.portsOf(address)));
      for (const { address } of [first, second]) await loaded.becomes(address, false);
      const { failures } = await loaded.stop();
      const others = failures.filter(({ localPort, reason }) => !ports.includes(localPort) || reason !== 'ECONNRESET');
      assert.deepEqual(others, [], `round ${round}: those held were ${ports}`);
      await loaded.start();
      const { servers: meanwhile, failures: none } = await loaded.answered(100);
      assert.deepEqual([Object.keys(meanwhile), none], [[sorry.name], []], `round ${round}: it alone`);
      for (const server of [first, second]) plugIn(server);
      for (const { address } of [first, second]) await loaded.becomes(address, true);
      await loaded.answered(100);
      assert.deepEqual((await loaded.stop()).failures, [], `round ${round}: back`);
      assert.equal(await loaded.unanswered(), 0, `round ${round}`);
    }
  });
});
