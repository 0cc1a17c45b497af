/** A path to a real server begins to take shorter packets only, while a transfer is on its way. */
import { strict as assert } from 'node:assert';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RealServerOptions } from '../../lib/index.js';
import { addService, DirectorAgent } from '../support/director-agent.js';
import { describeLab, PORT, TestStage } from '../support/lab.js';

const UPLOAD_BYTES = 10_000_000;
const SHRUNK_MTU = 1340;

const cases: {
  what: string;
  inner: 4 | 6;
  outer: 4 | 6;
  source?: 'range';
  /** What the director knows afterwards. */
  pathMtu?: number;
  tunnel?: Pick<RealServerOptions, 'forwarding' | 'tunnelPort' | 'tunnelChecksum'>;
}[] = [
  { what: 'IPv4 in IPv4', inner: 4, outer: 4 },
  { what: 'IPv4 in IPv4, from a range of sources', inner: 4, outer: 4, source: 'range' },
  // The outer header lets routers fragment, as IPVS's does, so there is nothing to learn.
  { what: 'IPv6 in IPv4', inner: 6, outer: 4, pathMtu: 1500 },
  { what: 'IPv4 in IPv6', inner: 4, outer: 6 },
  { what: 'IPv6 in IPv6', inner: 6, outer: 6 },
  { what: 'GUE', inner: 4, outer: 4, tunnel: { forwarding: 'gue', tunnelPort: 6080 } },
  { what: 'GRE', inner: 4, outer: 4, tunnel: { forwarding: 'gre', tunnelChecksum: 'checksum' } },
];

describeLab('a path whose MTU shrinks between director and real server', () => {
  let stage: TestStage;

  before(async () => {
    const directors = ['10.2.0.2', '10.4.0.0/28', '2001:db8:2::2'];
    stage = await TestStage.open({ ipv6: true, realServers: 1, directors, forwarding: 'ipip,gue,gre' });
    stage.topology.router.ip([`route add 10.4.0.0/28 via ${stage.topology.directorAddress}`]);
  });

  after(async () => {
    await stage?.close();
  });

  function setMtu(bytes: number): void {
    stage.topology.router.ip([`link set dev rs1 mtu ${bytes}`]);
  }

  for (const { what, inner, outer, source, tunnel, pathMtu = SHRUNK_MTU } of cases) {
    it(`${what}: lets a 10 MB upload finish that was on its way, and knows why`, async () => {
      setMtu(1500);
      // The client must find out anew.
      for (const family of ['-4', '-6']) await stage.client.exec(['ip', family, 'route', 'flush', 'cache']);
      const { virtualAddress, virtualAddress6, directorAddress, directorAddress6 } = stage.topology;
      const address = inner === 4 ? virtualAddress : virtualAddress6;
      const [server] = stage.servers;
      assert.ok(server);
      const director = await DirectorAgent.open(stage.director, {
        source: [source === 'range' ? '10.4.0.0/28' : directorAddress, directorAddress6],
      });
      try {
        const realServer = { address: outer === 4 ? server.address : server.address6, ...tunnel };
        await addService(director, { address, port: PORT, scheduler: 'rr', servers: [realServer] });
        const before = await receivedBytes();
        const upload = stage.fetch({
          address,
          uploadBytes: UPLOAD_BYTES,
          holdAfterBytes: UPLOAD_BYTES / 4,
          timeoutMs: 30_000,
        });
        // Half of what it may send has arrived, so it is on its way with packets of full length.
        while ((await receivedBytes()) - before < UPLOAD_BYTES / 8) await sleep(20);
        setMtu(SHRUNK_MTU);
        await stage.resume();
        assert.equal((await upload).intact, true);
        assert.equal(await director.run((d) => d.stats().services[0]?.servers[0]?.pathMtu), pathMtu);
        // The director tells a connection that comes later, without asking the path again.
        assert.equal((await stage.fetch({ address, uploadBytes: 200_000, timeoutMs: 20_000 })).intact, true);
      } finally {
        await director.close();
      }
    });
  }

  async function receivedBytes(): Promise<number> {
    const [server] = stage.servers;
    const { receivedBytes: bytes } = await (server as (typeof stage.servers)[number]).web.call<{
      receivedBytes: number;
    }>('counts');
    return bytes;
  }
});
