/** Full NAT whose servers are told by a PROXY header which client a connection comes from. */
import { strict as assert } from 'node:assert';
import { addService, DirectorAgent } from '../support/director-agent.js';
import { describeLab, UPLINK } from '../support/lab.js';
import { isNatSource, NatStage } from '../support/nat-stage.js';
import { askProxyServer, type ProxyRequest, startProxyServer } from '../support/proxy-server.js';

const SERVICE_PORT = 7000;
const SERVER_PORT = 7001;

for (const queues of [1, 2])
  describeLab(`full NAT with PROXY headers and ${queues} queue${queues === 1 ? '' : 's'}`, () => {
    let stage: NatStage;
    let director: DirectorAgent;

    before(async () => {
      stage = await NatStage.open({ method: 'snat' });
      director = await DirectorAgent.open(stage.director, { ...stage.addresses, device: { queues } });
      for (const { host, address, address6 } of stage.servers)
        for (const own of [address, address6]) await startProxyServer(host, own, SERVER_PORT);
      for (const family of [4, 6] as const) {
        const servers = stage
          .natServers(family, SERVER_PORT)
          .map((server) => ({ ...server, clientAddress: 'proxy' as const }));
        await addService(director, { address: stage.virtual(family), port: SERVICE_PORT, scheduler: 'rr', servers });
      }
    });

    after(async () => {
      await stage?.close();
    });

    for (const family of [4, 6] as const)
      for (const [connections, bytes] of [
        [60, 10],
        [30, 100_000],
        [3, 10_000_000],
      ] as const)
        it(`says who sends ${bytes} bytes over IPv${family}, which come intact`, () =>
          asksServers(family, { connections, bytes }));

    it('says who sends bytes with an urgent mark, all of which come', () =>
      asksServers(4, { connections: 9, bytes: 100, isUrgent: true }));

    it('says who sends long packets where the path to a server has become narrow', async () => {
      const last = stage.servers.at(-1);
      // The client cuts its packets itself, as one does whose card can't.
      stage.client.ip([`link set dev ${UPLINK} gso_max_segs 1`]);
      stage.topology.inner.ip([`route replace ${last?.address}/32 dev ${last?.host.name} mtu lock 1400`]);
      await asksServers(4, { connections: 9, bytes: 4000 });
    });

    async function asksServers(family: 4 | 6, how: Pick<ProxyRequest, 'connections' | 'bytes' | 'isUrgent'>) {
      const address = stage.virtual(family);
      const results = await askProxyServer(stage.client, { address, port: SERVICE_PORT, ...how });
      assert.equal(results.length, how.connections);
      assert.equal(new Set(results.map(({ server }) => server)).size, 3);
      for (const { peer, from, to, own, isIntact } of results) {
        assert.deepEqual({ from, to, isIntact }, { from: own, to: [address, SERVICE_PORT], isIntact: true });
        assert.ok(isNatSource(peer), peer);
      }
    }

    it('drops nothing as forged', async () => {
      const counters = await director.run((d) => ({ ...d.stats().counters }));
      assert.equal(Number(counters.dropForged), 0);
    });
  });
