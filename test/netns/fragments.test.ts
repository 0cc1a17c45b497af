/** Datagrams longer than a link takes come in fragments, which a TUN device passes on as they are. */
import { strict as assert } from 'node:assert';
import { addService, DirectorAgent } from '../support/director-agent.js';
import { describeLab, PORT, TestStage } from '../support/lab.js';

const BYTES = 8192;

describeLab('datagrams of 8 KB over two queues', () => {
  let stage: TestStage;
  let director: DirectorAgent;

  before(async () => {
    stage = await TestStage.open({ ipv6: true });
    const { directorAddress, directorAddress6 } = stage.topology;
    director = await DirectorAgent.open(stage.director, {
      source: [directorAddress, directorAddress6],
      device: { queues: 2 },
    });
  });

  after(async () => {
    await director?.close();
    await stage?.close();
  });

  for (const [inner, outer] of [
    [4, 4],
    [6, 4],
    [4, 6],
    [6, 6],
  ]) {
    it(`come to one real server and back, every byte of them: IPv${inner} in IPv${outer}`, async () => {
      const address = inner === 4 ? stage.virtualAddress : stage.topology.virtualAddress6;
      const servers = stage.servers.map((server) => ({ address: outer === 4 ? server.address : server.address6 }));
      await director.run((d) => d.clear());
      await addService(director, { protocol: 'udp', address, port: PORT, scheduler: 'rr', servers });
      const { servers: echoed, failures } = await stage.udp({
        address,
        sockets: 12,
        datagrams: 5,
        bytes: BYTES,
        timeoutMs: 10_000,
      });
      assert.deepEqual(failures, []);
      assert.deepEqual(echoed.sort(), [
        'rs1',
        'rs1',
        'rs1',
        'rs1',
        'rs2',
        'rs2',
        'rs2',
        'rs2',
        'rs3',
        'rs3',
        'rs3',
        'rs3',
      ]);
    });
  }

  it('are accounted for, fragment by fragment', async () => {
    const { counters } = await director.run((d) => d.stats());
    const { answeredTooBig, dropFragment } = Object.fromEntries(
      Object.entries(counters).map(([name, count]) => [name, Number(count)]),
    );
    // When the first fragment of a datagram was answered as too long, the others go nowhere.
    const others = Math.ceil(BYTES / (1500 - 48)) - 1;
    assert.equal(dropFragment, others * (answeredTooBig ?? 0));
  });
});
