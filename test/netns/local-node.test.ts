/** Local node: a real server of the pool is the director's own host. */
import { killGuardians } from '../support/guardians.js';
import { strict as assert } from 'node:assert';
import { Agent } from '../../lib/lab/agent.js';
import { startCapture } from '../support/capture.js';
import { addService, DirectorAgent } from '../support/director-agent.js';
import { describeLab, hostState, PORT, program, TestStage, UPLINK } from '../support/lab.js';

const UPLOAD_BYTES = 2_000_000;
const LOCAL = 'local';

const settings = [
  { egress: 'packet', topology: 'lan', rpFilter: 1 },
  { egress: 'raw', topology: 'routed', rpFilter: 0 },
  { egress: 'tun', topology: 'lan', rpFilter: 0 },
  { egress: 'tun', topology: 'routed', rpFilter: 2 },
] as const;

for (const { egress, topology, rpFilter } of settings) {
  describeLab(`a local node and a tunnel in one pool, ${topology}, egress "${egress}", rp_filter ${rpFilter}`, () => {
    let stage: TestStage;
    let director: DirectorAgent;
    let web: Agent;
    let untouched: string;

    before(async () => {
      stage = await TestStage.open({ topology, ipv6: true, rpFilter, realServers: 1 });
      web = await Agent.connect(stage.director.node(program('web-server'), [LOCAL, `${PORT}`]));
      untouched = await hostState(stage.director);
      const { directorAddress, directorAddress6 } = stage.topology;
      director = await openDirector();
      for (const [address, own] of [
        [stage.topology.virtualAddress, directorAddress],
        [stage.topology.virtualAddress6, directorAddress6],
      ] as const) {
        const servers = [
          { address: own },
          { address: stage.servers[0]?.[own === directorAddress ? 'address' : 'address6'] ?? '' },
        ];
        for (const protocol of ['tcp', 'udp'] as const)
          await addService(director, { protocol, address, port: PORT, scheduler: 'rr', servers });
        await web.call('bindUdp', { address });
      }
    });

    after(async () => {
      await stage?.close();
    });

    function openDirector(): Promise<DirectorAgent> {
      const { directorAddress, directorAddress6 } = stage.topology;
      return DirectorAgent.open(stage.director, {
        source: [directorAddress, directorAddress6],
        egress,
        device: { queues: 2 },
      });
    }

    for (const family of [4, 6] as const) {
      it(`both answer requests, uploads and datagrams over IPv${family}`, async () => {
        const address = family === 4 ? stage.topology.virtualAddress : stage.topology.virtualAddress6;
        const { failures, servers } = await stage.fetchMany({ address, requests: 40, concurrency: 20 });
        assert.deepEqual([failures, servers], [[], { [LOCAL]: 20, rs1: 20 }]);

        const uploads = await Promise.all(
          [1, 2].map(() => stage.fetch({ address, uploadBytes: UPLOAD_BYTES, timeoutMs: 20_000 })),
        );
        assert.deepEqual(uploads.map(({ server }) => server).sort(), [LOCAL, 'rs1']);
        assert.deepEqual(
          uploads.map(({ intact }) => intact),
          [true, true],
        );

        const echoed = await stage.udp({ address, sockets: 4, datagrams: 3 });
        assert.deepEqual(echoed.failures, []);
        assert.deepEqual(echoed.servers.sort(), [LOCAL, LOCAL, 'rs1', 'rs1']);
      });
    }

    it('hands what is local to the host as it came, and counts it', async () => {
      const capture = await startCapture(stage.director, UPLINK);
      const before = await director.run((d) => String(d.stats().counters.sentToHost));
      await stage.fetchMany({ requests: 8, concurrency: 4 });
      const flows = (await capture.stop()).filter(({ direction }) => direction === 'out');
      const { virtualAddress, clientAddress } = stage.topology;
      assert.ok(flows.some(({ source, destination }) => source === virtualAddress && destination === clientAddress));
      const counters = await director.run((d) => {
        const { counters: all } = d.stats();
        return Object.fromEntries(Object.entries(all).map(([name, value]) => [name, String(value)]));
      });
      assert.ok(BigInt(counters.sentToHost ?? 0) > BigInt(before));
      assert.equal(counters.handedOut, counters.sent);
      const servers = await director.run((d) =>
        d.virtualServices.map((service) => service.realServers.map(({ isLocal, forwarding }) => [isLocal, forwarding])),
      );
      for (const each of servers)
        assert.deepEqual(each, [
          [true, 'local'],
          [false, 'ipip'],
        ]);
    });

    // A reply to the host itself comes from the virtual address, by another way than the route to that address.
    const itIfLoose = rpFilter === 1 ? it.skip : it;
    itIfLoose("the host's own clients get to both servers as well", async () => {
      const own = await Agent.connect(stage.director.node(program('web-client')));
      for (const address of [stage.topology.virtualAddress, stage.topology.virtualAddress6]) {
        const { failures, servers } = (await own.call('fetchMany', {
          address,
          port: PORT,
          requests: 8,
          concurrency: 4,
        })) as { failures: unknown[]; servers: Record<string, number> };
        assert.deepEqual([failures, servers], [[], { [LOCAL]: 4, rs1: 4 }]);
      }
      await own.process.stop();
    });

    it('takes back what it did for local nodes with the last of them, and the others go on', async () => {
      const rules = async () => {
        const { stdout } = await stage.director.exec(['sh', '-c', 'ip -4 rule; ip -6 rule']);
        return stdout.split('\n').filter((rule) => rule.includes('proto 84')).length;
      };
      assert.equal(await rules(), 4);
      await director.run((d) => {
        for (const service of d.virtualServices.slice(1)) service.realServers[0]?.delete();
      });
      assert.equal(await rules(), 2);
      await director.run((d) => d.virtualServices[0]?.realServers[0]?.delete());
      assert.equal(await rules(), 0);
      assert.equal(await stage.director.sysctl('net/ipv4/tcp_early_demux'), '1');
      const result = await stage.fetchMany({ requests: 10, concurrency: 5 });
      assert.deepEqual([result.failures, result.servers], [[], { rs1: 10 }]);
    });

    it("makes the director's host what it was when it closes", async () => {
      const { directorAddress, directorAddress6 } = stage.topology;
      await director.run(
        (d, [four = '', six = '']: string[]) => {
          for (const service of d.virtualServices)
            service.addRealServer({ address: service.address.includes(':') ? six : four });
        },
        [directorAddress, directorAddress6],
      );
      assert.match(await hostState(stage.director), /^0:.*to 2001:db8:\S+ iif tunvs0 lookup local proto 84/m);
      await director.close();
      assert.equal(await hostState(stage.director), untouched);
    });
  });
}

describeLab('a local node after a director that was killed', () => {
  let stage: TestStage;

  before(async () => {
    stage = await TestStage.open({ ipv6: true, realServers: 1 });
    await Agent.connect(stage.director.node(program('web-server'), [LOCAL, `${PORT}`]));
  });

  after(async () => {
    await stage?.close();
  });

  const rulesOf = async () => (await stage.director.exec(['sh', '-c', 'ip rule; ip -6 rule'])).stdout;

  async function direct(): Promise<DirectorAgent> {
    const { directorAddress, directorAddress6, virtualAddress, virtualAddress6 } = stage.topology;
    const director = await DirectorAgent.open(stage.director, { source: [directorAddress, directorAddress6] });
    const [remote] = stage.servers;
    assert.ok(remote);
    const pools = [
      { address: virtualAddress, servers: [{ address: directorAddress }, { address: remote.address }] },
      { address: virtualAddress6, servers: [{ address: directorAddress6 }, { address: remote.address6 }] },
    ];
    for (const pool of pools) await addService(director, { ...pool, port: PORT, scheduler: 'rr' });
    return director;
  }

  it('works, and leaves the rules as they were before the first', async () => {
    const before = await rulesOf();
    const killed = await direct();
    const during = await rulesOf();
    assert.notEqual(during, before);
    // A guardian takes the rules back, and the next director does where there is none.
    await killGuardians(stage.director);
    await killed.kill();
    assert.notEqual(await rulesOf(), before);

    const director = await direct();
    assert.equal(await rulesOf(), during);
    for (const address of [stage.topology.virtualAddress, stage.topology.virtualAddress6]) {
      const { failures, servers } = await stage.fetchMany({ address, requests: 20, concurrency: 10 });
      assert.deepEqual([failures, servers], [[], { [LOCAL]: 10, rs1: 10 }]);
    }
    await director.close();
    assert.equal(await rulesOf(), before);
  });
});
