/** What happens to the connections of a real server that is drained or removed. */
import { strict as assert } from 'node:assert';
import { setTimeout as sleep } from 'node:timers/promises';
import { addService, DirectorAgent } from '../support/director-agent.js';
import { describeLab, PORT, TestStage } from '../support/lab.js';

describeLab('taking a real server away', () => {
  let stage: TestStage;
  let director: DirectorAgent;
  const connection = 'open';

  before(async () => {
    stage = await TestStage.open();
    director = await DirectorAgent.open(stage.director, {
      source: stage.topology.directorAddress,
      maxConnections: 8_388_608, // 256 shards, which take four turns
    });
    await director.run((d) => d.setTimeouts({ tcpFin: 1 }));
  });

  after(async () => {
    await director?.close();
    await stage?.close();
  });

  beforeEach(async () => {
    await addService(director, {
      address: stage.virtualAddress,
      port: PORT,
      scheduler: 'rr',
      servers: stage.servers.map(({ address }) => ({ address })),
    });
  });

  afterEach(async () => {
    await stage.closeConnection(connection);
    await director.run((d) => d.clear());
  });

  it('drained, it keeps its connections, gets no new ones, and is drained when the last one has ended', async () => {
    const { server: name } = await stage.fetch({ connection });
    const server = service(name);
    await director.run((d, { address, port, server }) => {
      const drained = d.virtualService({ protocol: 'tcp', address, port })?.realServer(server)?.drain();
      Object.assign(globalThis, { drained, isDrained: false });
      void drained?.then(() => Object.assign(globalThis, { isDrained: true }));
    }, server);

    const others = await stage.fetchMany({ requests: 30, concurrency: 5 });
    assert.deepEqual(others.failures, []);
    assert.equal(others.servers[name], undefined);
    assert.equal((await stage.fetch({ connection })).server, name);
    assert.equal(await director.run(() => (globalThis as unknown as { isDrained: boolean }).isDrained), false);

    await stage.closeConnection(connection);
    await director.run(() => (globalThis as unknown as { drained: Promise<void> }).drained);
    const left = await director.run(
      (d, { address, port, server }) =>
        d.virtualService({ protocol: 'tcp', address, port })?.realServer(server)?.stats(),
      server,
    );
    assert.equal(Number(left?.activeConnections) + Number(left?.inactiveConnections), 0);
  });

  it('removed, its connections meet silence, new ones go to the others, and back again it takes up where it was', async () => {
    const { server: name, localPort } = await stage.fetch({ connection });
    const server = service(name);
    await director.run(
      (d, { address, port, server }) =>
        d.virtualService({ protocol: 'tcp', address, port })?.realServer(server)?.delete(),
      server,
    );

    const waiting = stage.fetch({ connection, timeoutMs: 20_000 });
    const early = await Promise.race([
      waiting.then(
        () => 'answered',
        () => 'refused',
      ),
      sleep(1_000, 'silence'),
    ]);
    assert.equal(early, 'silence');
    const others = await stage.fetchMany({ requests: 10, concurrency: 5 });
    assert.deepEqual(others.failures, []);
    assert.equal(others.servers[name], undefined);

    await director.run(
      (d, { address, port, server }) =>
        void d.virtualService({ protocol: 'tcp', address, port })?.addRealServer(server),
      server,
    );
    const answer = await waiting;
    assert.deepEqual([answer.server, answer.localPort, answer.intact], [name, localPort, true]);
  });

  it('removed with expire_nodest_conn, its connections end, all of them in a few turns of the event loop', async () => {
    await director.run((d) => d.setSysctl('expire_nodest_conn', 1));
    try {
      const before = await director.run((d) => Number(d.stats().counters.connectionsDropped));
      await stage.fetchMany({ requests: 60, concurrency: 5 });
      const { server: name } = await stage.fetch({ connection });
      const { server } = service(name);
      const ended = await director.run(
        async (d, { address, port, server, before }) => {
          const found = d.virtualService({ protocol: 'tcp', address, port })?.realServer(server);
          const stats = found?.stats();
          const had = Number(stats?.activeConnections) + Number(stats?.inactiveConnections);
          found?.delete();
          const dropped = () => Number(d.stats().counters.connectionsDropped) - before;
          const atOnce = dropped();
          for (let i = 0; i < 500 && dropped() < had; i++) await new Promise((resolve) => setTimeout(resolve, 10));
          return { had, atOnce, dropped: dropped() };
        },
        { ...service(name), server, before },
      );
      assert.ok(ended.had > 10 && ended.atOnce < ended.had, JSON.stringify(ended));
      assert.equal(ended.dropped, ended.had);
    } finally {
      await director.run((d) => d.setSysctl('expire_nodest_conn', 0));
    }
  });

  function service(name: string) {
    const address = stage.servers.find((server) => server.name === name)?.address ?? '';
    return { address: stage.virtualAddress, port: PORT, server: { address, port: PORT } };
  }
});
