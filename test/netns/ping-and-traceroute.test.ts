/** The virtual address answers pings, and a traceroute finds its way through the tunnel. */
import { strict as assert } from 'node:assert';
import { addService, DirectorAgent } from '../support/director-agent.js';
import { describeLab, PORT, TestStage } from '../support/lab.js';
import { type ProbeAnswer, probe, traceroute } from '../support/probe.js';

const CLOSED_PORT = 81;

describeLab('from a client that probes the virtual address', () => {
  let stage: TestStage;
  let director: DirectorAgent;

  before(async () => {
    stage = await TestStage.open({ ipv6: true, realServers: 1 });
    const { directorAddress, directorAddress6, virtualAddress, virtualAddress6 } = stage.topology;
    director = await DirectorAgent.open(stage.director, { source: [directorAddress, directorAddress6] });
    for (const address of [virtualAddress, virtualAddress6]) {
      const servers = stage.servers.map((server) => ({
        address: address === virtualAddress ? server.address : server.address6,
      }));
      for (const protocol of ['tcp', 'udp'] as const)
        await addService(director, { protocol, address, port: PORT, scheduler: 'rr', servers });
    }
  });

  after(async () => {
    await director?.close();
    await stage?.close();
  });

  for (const family of [4, 6] as const) {
    const addressesOf = () => {
      const { topology } = stage;
      return family === 4
        ? { vip: topology.virtualAddress, router: '10.1.0.1', director: topology.directorAddress }
        : { vip: topology.virtualAddress6, router: '2001:db8:1::1', director: topology.directorAddress6 };
    };

    it(`answers IPv${family} pings for the virtual address, empty, short and long`, async () => {
      const { vip } = addressesOf();
      for (const bytes of [0, 56, 1400]) {
        const answer = await probe(stage.client, { address: vip, kind: 'echo', bytes });
        assert.deepEqual([bytes, answer?.from, answer?.kind, answer?.isIntact], [bytes, vip, 'reply', true]);
      }
    });

    it(`shows an IPv${family} traceroute of datagrams the router, the director, the tunnel and the server`, async () => {
      const { vip, router, director: dip } = addressesOf();
      const hops = await traceroute(stage.client, { address: vip, kind: 'udp', port: PORT });
      assert.deepEqual(hops.slice(0, 2).map(seen), [
        { from: router, kind: 'timeExceeded' },
        { from: dip, kind: 'timeExceeded' },
      ]);
      // It is the router again, this time about the tunnel packet: the director tells the client in its own name.
      assert.equal(hops[2]?.kind, 'timeExceeded', JSON.stringify(hops));
      assert.deepEqual(hops.slice(3).map(seen), [{ from: vip, kind: 'reply' }]);
    });

    it(`ends an IPv${family} traceroute of pings at the virtual address`, async () => {
      const { vip, router, director: dip } = addressesOf();
      const hops = await traceroute(stage.client, { address: vip, kind: 'echo' });
      assert.deepEqual(hops.map(seen), [
        { from: router, kind: 'timeExceeded' },
        { from: dip, kind: 'timeExceeded' },
        { from: vip, kind: 'reply' },
      ]);
    });

    it(`says over IPv${family} that a port without a service is unreachable`, async () => {
      const { vip } = addressesOf();
      const answer = await probe(stage.client, { address: vip, kind: 'udp', port: CLOSED_PORT });
      const [type, code] = family === 4 ? [3, 3] : [1, 4];
      assert.deepEqual([answer?.from, answer?.type, answer?.code], [vip, type, code]);
      await assert.rejects(stage.fetch({ address: vip, port: CLOSED_PORT }), /ECONNREFUSED/);
    });

    it(`says over IPv${family} which length fits through the tunnel`, async () => {
      const { vip } = addressesOf();
      const headers = family === 4 ? 28 : 48;
      const ask = (bytes: number) =>
        probe(stage.client, {
          address: vip,
          kind: 'udp',
          port: PORT,
          bytes: bytes - headers,
          dontFragment: true,
        });
      // The device's MTU allows for an outer IPv4 header, so the director's host says 1480; the director itself knows
      // that an IPv6 header is longer. What a ring takes is the director's to answer.
      const hostAsks = process.env.TUNVS_TEST_RINGS === undefined;
      const fitting = family === 4 ? [1480] : hostAsks ? [1480, 1460] : [1460];
      let bytes = 1500;
      for (const mtu of fitting) {
        const answer = await ask(bytes);
        assert.deepEqual([answer?.kind, answer?.mtu], ['tooBig', mtu]);
        bytes = mtu;
      }
      const fits = await ask(bytes);
      assert.deepEqual([fits?.from, fits?.kind, fits?.isIntact], [vip, 'reply', true]);
    });
  }
});

function seen(answer: ProbeAnswer | undefined) {
  return answer && { from: answer.from, kind: answer.kind };
}
