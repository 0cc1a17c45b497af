/** BIRD announces what directors have routes for, with the files of examples/bird: a router spreads flows over both. */
import { strict as assert } from 'node:assert';
import { connectionsOf, setRole } from '../support/asked-director.js';
import { EcmpLab, type EcmpNode } from '../support/ecmp-lab.js';
import { describeLab, PORT, UPLINK } from '../support/lab.js';
import { SteadyClient } from '../support/steady.js';

const CONNECTIONS = 40;

describeLab('two directors, a router with ECMP, and BIRD', function () {
  this.timeout(120_000);
  let ecmp: EcmpLab;
  let nodes: [EcmpNode, EcmpNode];
  let service: object;
  let steady: SteadyClient;

  before(async function () {
    if (EcmpLab.problem !== undefined) this.skip();
    ecmp = await EcmpLab.open({ directors: 2, realServers: 3 });
    nodes = ecmp.nodes as [EcmpNode, EcmpNode];
    service = ecmp.service({
      ...{ scheduler: 'maglev', schedulerFlags: ['maglev-port'], midStream: 'hash', announce: 'when-up' },
      health: { check: 'tcp', interval: '300ms', timeout: '250ms', retries: 0, rise: 1, onDown: 'keep' },
    });
    for (const node of nodes) await ecmp.start(node, service);
    for (const node of nodes) await ecmp.announce(node);
    await ecmp.untilWays(nodes);
    const request = { address: ecmp.stage.virtualAddress, port: PORT, connections: CONNECTIONS, intervalMs: 50 };
    steady = await SteadyClient.open(ecmp.stage.client, request);
  });

  after(() => ecmp?.[Symbol.asyncDispose]());

  /** Connections that were there go on, each with its own real server: another one would reset it. */
  async function assertServed(): Promise<void> {
    const { failures } = await steady.answered(1);
    assert.deepEqual(failures, []);
    const fresh = await ecmp.stage.fetchMany({ requests: 20, concurrency: 5 });
    assert.deepEqual(fresh.failures, []);
  }

  it('spreads connections over both', async () => {
    await assertServed();
    for (const node of nodes) assert.ok((await connectionsOf(node)).size > 3, `${node.address} has connections`);
  });

  it('withdraws an address while its service lacks its quorum, and announces it again', async () => {
    const [first] = nodes;
    const before = (await connectionsOf(nodes[1])).size;
    // The checks of this director alone get no answer; what real servers send to clients goes its way.
    for (const { host } of ecmp.stage.servers) host.ip([`route add blackhole ${first.address}/32`]);
    await ecmp.untilWays([nodes[1]]);
    await assertServed();
    assert.ok((await connectionsOf(nodes[1])).size > before, 'flows have moved');
    for (const { host } of ecmp.stage.servers) host.ip([`route del blackhole ${first.address}/32`]);
    await ecmp.untilWays(nodes);
    await assertServed();
  });

  it('withdraws the addresses of a standby', async () => {
    const [, second] = nodes;
    await setRole(second, 'standby');
    await ecmp.untilWays([nodes[0]]);
    await assertServed();
    await setRole(second, 'active');
    await ecmp.untilWays(nodes);
  });

  it('withdraws those of a director that was killed, and announces them when it is back', async () => {
    const [first] = nodes;
    await first.director.stop('SIGKILL');
    await ecmp.untilWays([nodes[1]]);
    await assertServed();
    await ecmp.start(first, service);
    await ecmp.untilWays(nodes);
    await assertServed();
  });

  it('finds by BFD that the host of a director is gone', async () => {
    const [, second] = nodes;
    // The cable is fine, but nothing comes through.
    second.host.ip([
      `link set dev ${UPLINK} arp off`,
      `neigh replace ${second.gateway} lladdr 02:00:00:00:00:01 dev ${UPLINK}`,
    ]);
    await ecmp.untilWays([nodes[0]]);
    await assertServed();
  });

  it('sent no connection to another real server by any of it', async () => {
    assert.deepEqual((await steady.stop()).failures, []);
  });
});
