/** Pools that mix direct routing and tunnels: on one broadcast domain, and across a router. */
import { strict as assert } from 'node:assert';
import { startCapture } from '../support/capture.js';
import { addService, DirectorAgent } from '../support/director-agent.js';
import {
  DirectorCommand,
  describeLab,
  hostState,
  labRules,
  PORT,
  startRealServerCommand,
  TestStage,
  UPLINK,
} from '../support/lab.js';
import { captureNeighbours, macOf } from '../support/neighbours.js';

const UPLOAD_BYTES = 1_000_000;
const FORWARDING = ['dr', 'ipip', 'dr', 'gue'] as const;

const optionsOf = (forwarding: (typeof FORWARDING)[number] | undefined) => ({
  forwarding: forwarding ?? 'ipip',
  ...(forwarding === 'gue' && { tunnelPort: 6080 }),
});

for (const rpFilter of [0, 1] as const) {
  describeLab(`on one LAN with rp_filter ${rpFilter}, direct routing, IPIP and GUE in one pool`, () => {
    let stage: TestStage;
    let director: DirectorAgent;
    let untouched: string;

    before(async () => {
      stage = await TestStage.open({
        topology: 'lan',
        ipv6: true,
        rpFilter,
        realServers: FORWARDING.length,
        // The pool has two methods: the third real server takes both.
        forwarding: (index) => (index === 2 ? 'dr,ipip,gue' : (FORWARDING[index] ?? 'ipip')),
      });
      untouched = await hostState(stage.director);
      const { directorAddress, directorAddress6, virtualAddress, virtualAddress6 } = stage.topology;
      director = await DirectorAgent.open(stage.director, { source: [directorAddress, directorAddress6] });
      for (const address of [virtualAddress, virtualAddress6]) {
        const servers = stage.servers.map((server, index) => ({
          address: address === virtualAddress ? server.address : server.address6,
          ...optionsOf(FORWARDING[index]),
        }));
        for (const protocol of ['tcp', 'udp'] as const)
          await addService(director, { protocol, address, port: PORT, scheduler: 'rr', servers });
      }
    });

    after(async () => {
      await stage?.close();
    });

    for (const family of [4, 6] as const) {
      it(`the director alone says that the IPv${family} virtual address is its own, and every server answers`, async () => {
        const { router, virtualAddress, virtualAddress6 } = stage.topology;
        const address = family === 4 ? virtualAddress : virtualAddress6;
        const captured = await Promise.all([
          captureNeighbours(router, 'lan'),
          ...stage.servers.map(({ host }) => captureNeighbours(host, UPLINK)),
        ]);
        for (let round = 0; round < 3; round++) {
          router.ip(['neigh flush dev lan']);
          const { failures, servers } = await stage.fetchMany({ address, requests: 40, concurrency: 20 });
          assert.deepEqual([failures, servers], [[], { rs1: 10, rs2: 10, rs3: 10, rs4: 10 }]);
        }
        assert.equal((await stage.fetch({ address, uploadBytes: UPLOAD_BYTES, timeoutMs: 20_000 })).intact, true);
        const echoed = await stage.udp({ address, sockets: 8, datagrams: 2 });
        assert.deepEqual(echoed.failures, []);
        assert.deepEqual(new Set(echoed.servers), new Set(['rs1', 'rs2', 'rs3', 'rs4']));

        const claims = (await Promise.all(captured.map((each) => each.stop()))).flat();
        const claimed = new Set(claims.filter((claim) => claim.address === address).map(({ mac }) => mac));
        assert.deepEqual([...claimed], [await macOf(stage.director, UPLINK)]);
      });
    }

    it('sends frames of direct routing as they came, to the server itself', async () => {
      const [first] = stage.servers;
      assert.ok(first);
      const capture = await startCapture(first.host, UPLINK);
      await stage.fetchMany({ requests: 8, concurrency: 4 });
      const { clientAddress, virtualAddress } = stage.topology;
      const incoming = (await capture.stop()).filter(({ direction, protocol }) => direction === 'in' && protocol === 6);
      assert.deepEqual(
        incoming.map(({ source, destination }) => [source, destination]),
        [[clientAddress, virtualAddress]],
      );
    });

    it("makes a mixed real server's host what it was; without ARP suppression it takes the address", async () => {
      const [, , third] = stage.servers;
      assert.ok(third);
      const with_ = await hostState(third.host);
      assert.match(with_, /10\.2\.0\.100\/32 scope global lo/);
      assert.equal((await third.command.stop('SIGTERM')).code, 0);
      const without = await hostState(third.host);
      assert.doesNotMatch(without, /10\.2\.0\.100|2001:db8:2::100/);
      assert.match(without, /^conf\/eth0\/arp_ignore:0$/m);

      const { router, virtualAddress, directorAddress } = stage.topology;
      const loud = await startRealServerCommand(third.host, {
        virtualAddress,
        director: directorAddress,
        forwarding: 'dr',
        arp: 'off',
      });
      const capture = await captureNeighbours(router, 'lan');
      router.ip(['neigh flush dev lan']);
      await stage.fetchMany({ requests: 4, concurrency: 4, timeoutMs: 500 });
      const claims = (await capture.stop()).filter((claim) => claim.address === virtualAddress).map(({ mac }) => mac);
      assert.ok(claims.includes(await macOf(third.host, UPLINK)), claims.join(', '));
      await loud.stop();
    });

    it("makes the director's host what it was when it closes", async () => {
      assert.match(await hostState(stage.director), /^2001:db8:2::100 dev eth0 proxy proto 84/m);
      await director.close();
      assert.equal(await hostState(stage.director), untouched);
    });
  });
}

describeLab('across a router, direct routing on the near side and a tunnel to the far one', () => {
  let stage: TestStage;

  before(async () => {
    stage = await TestStage.open({
      topology: 'mixed',
      ipv6: true,
      forwarding: (index) => ['dr', 'ipip', 'gre'][index] ?? 'ipip',
    });
  });

  after(async () => {
    await stage?.close();
  });

  function rules(remote: string): string {
    const { virtualAddress, virtualAddress6 } = stage.topology;
    return [virtualAddress, virtualAddress6]
      .map((address) => {
        const servers = stage.servers.map((server, index) => ({
          address: address === virtualAddress ? server.address : server.address6,
          forwarding: ['-g', '-i', remote][index] ?? '-i',
        }));
        const both = (['tcp', 'udp'] as const).map((protocol) => ({ protocol, port: PORT, scheduler: 'rr', servers }));
        return labRules(address, both);
      })
      .join('');
  }

  it('every server answers over both families', async () => {
    const { directorAddress, directorAddress6, virtualAddress, virtualAddress6 } = stage.topology;
    const director = await DirectorCommand.start(stage.director, {
      rules: rules('-i --tun-type gre'),
      source: [directorAddress, directorAddress6],
    });
    try {
      for (const address of [virtualAddress, virtualAddress6]) {
        const { failures, servers } = await stage.fetchMany({ address, requests: 60, concurrency: 20 });
        assert.deepEqual([failures, servers], [[], { rs1: 20, rs2: 20, rs3: 20 }]);
        assert.equal((await stage.fetch({ address, uploadBytes: UPLOAD_BYTES, timeoutMs: 20_000 })).intact, true);
      }
    } finally {
      await director.stop();
    }
  });

  it('refuses direct routing to the server behind the router, and says why', async () => {
    const { directorAddress, virtualAddress } = stage.topology;
    const director = await DirectorAgent.open(stage.director, { source: directorAddress });
    try {
      const [near, , far] = stage.servers;
      assert.ok(near && far);
      const add = (address: string) =>
        addService(director, {
          address: virtualAddress,
          port: PORT,
          scheduler: 'rr',
          servers: [{ address, forwarding: 'dr' }],
        });
      await assert.rejects(add(far.address), (error: Error) => {
        assert.match(error.message, /10\.3\.0\.13/);
        assert.match(error.message, /behind a gateway/);
        return true;
      });
      await add(near.address);
      assert.equal((await stage.fetch()).server, near.name);
    } finally {
      await director.close();
    }
  });
});
