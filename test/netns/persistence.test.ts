/** Clients that come to the same real server again, by a persistent service and by one of a firewall mark. */
import { strict as assert } from 'node:assert';
import { addService, DirectorAgent } from '../support/director-agent.js';
import { DirectorCommand, describeLab, hostState, PORT, TestStage } from '../support/lab.js';

/** Addresses of 10.8.8.0/29. */
const MARKED = ['10.8.8.1', '10.8.8.6'] as const;

describeLab('a client of a persistent service', () => {
  let stage: TestStage;
  let director: DirectorAgent;

  before(async () => {
    stage = await TestStage.open();
    director = await DirectorAgent.open(stage.director, { source: stage.topology.directorAddress });
    const servers = stage.servers.map(({ address }) => ({ address }));
    await addService(director, { address: stage.virtualAddress, port: PORT, scheduler: 'rr', servers });
  });

  after(async () => {
    await director?.close();
    await stage?.close();
  });

  it('comes to the server of its first connection, and to others once it is forgotten', async () => {
    const persist = (isOn: boolean) =>
      director.run((d, on) => {
        for (const service of d.virtualServices) service.edit({ persistence: on && { timeoutSeconds: 600 } });
      }, isOn);

    await persist(true);
    const { server } = await stage.fetch();
    const again = await stage.fetchMany({ requests: 24, concurrency: 6 });
    assert.deepEqual([again.failures, again.servers], [[], { [server]: 24 }]);

    const templates = await director.run(async (d) => {
      const rows = [];
      for await (const row of d.connections({ kind: 'template' })) rows.push(row);
      return rows;
    });
    assert.deepEqual(
      templates.map(({ clientAddress, clientPort, state, serverAddress }) => ({
        clientAddress,
        clientPort,
        state,
        server: stage.names.get(serverAddress),
      })),
      [{ clientAddress: stage.topology.clientAddress, clientPort: 0, state: 'ASSURED', server }],
    );

    await persist(false);
    const spread = await stage.fetchMany({ requests: 24, concurrency: 6 });
    assert.deepEqual([spread.failures, spread.servers], [[], { rs1: 8, rs2: 8, rs3: 8 }]);
  });
});

describeLab('a range of addresses behind a firewall mark', () => {
  let stage: TestStage;
  let command: DirectorCommand | undefined;

  before(async () => {
    stage = await TestStage.open({ moreVirtualAddresses: MARKED });
  });

  after(async () => {
    await command?.stop();
    await stage?.close();
  });

  function rules(settings: string): string {
    const servers = stage.servers.map(({ address }) => `-a -f 1 -r ${address} -i`);
    return ['mark 1 proto tcp dst 10.8.8.0/29 dport 80', `-A -f 1 -s rr ${settings}`, ...servers, ''].join('\n');
  }

  it('is one service, from the first address to the last, while the director runs', async () => {
    const before = await hostState(stage.director);
    command = await DirectorCommand.start(stage.director, {
      rules: rules('-p 600'),
      source: stage.topology.directorAddress,
    });
    const { server } = await stage.fetch({ address: MARKED[0] });
    for (const address of MARKED) {
      const { failures, servers } = await stage.fetchMany({ address, requests: 12, concurrency: 4 });
      assert.deepEqual([failures, servers], [[], { [server]: 12 }], address);
    }

    await command.reload(rules(''), ({ services }) => services.some((service) => !('persistence' in service)));
    const { failures, servers } = await stage.fetchMany({ address: MARKED[1], requests: 12, concurrency: 4 });
    assert.deepEqual([failures, servers], [[], { rs1: 4, rs2: 4, rs3: 4 }]);

    assert.deepEqual(await command.stop('SIGTERM'), { code: 0, signal: null });
    assert.equal(await hostState(stage.director), before);
  });
});
