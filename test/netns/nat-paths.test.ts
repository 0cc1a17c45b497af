/** Narrow paths on either side of a director with NAT: both ends learn of them, and each in addresses that it knows. */
import { strict as assert } from 'node:assert';
import type { LabHost } from '../../lib/lab/lab-host.js';
import { startCapture } from '../support/capture.js';
import { DirectorAgent } from '../support/director-agent.js';
import { describeLab, UPLINK } from '../support/lab.js';
import { isNatSource, NatStage } from '../support/nat-stage.js';

const LARGE_BYTES = 10_000_000;
const DATAGRAM_BYTES = 4000;
const NARROW_MTU = 1400;

interface Narrow {
  what: string;
  /** Whose route is narrow, and which one. */
  host: (stage: NatStage) => LabHost;
  routes: readonly string[];
  /** As `routes`, where full NAT takes another one. */
  toSources?: readonly string[];
}

const TO_CLIENTS = ['10.1.0.0/24 via 10.2.0.1', '2001:db8:1::/64 via 2001:db8:2::1'];
const TO_SOURCES = ['10.4.0.192/30 dev lan', '2001:db8:4::c0/126 dev lan'];
const OUT_OF_INNER = ['10.1.0.0/24 via 10.4.0.1', '2001:db8:1::/64 via 2001:db8:4::1'];
const TO_LAST = ['10.5.0.0/24 via 10.4.0.254', '2001:db8:5::/64 via 2001:db8:4::254'];
const TO_CLIENT = ['10.1.0.2 dev client', '2001:db8:1::2 dev client'];
const TO_VIRTUAL = ['10.9.9.9 via 10.2.0.2', '2001:db8:9::9 via 2001:db8:2::2'];
const TO_SERVER = ['10.5.0.11 dev rs1', '2001:db8:5::11 dev rs1'];

const paths: Narrow[] = [
  { what: "before the client, at the clients' router", host: (s) => s.topology.router, routes: TO_CLIENT },
  { what: "to the virtual address, at the clients' router", host: (s) => s.topology.router, routes: TO_VIRTUAL },
  { what: 'to the clients, at the director', host: (s) => s.director, routes: TO_CLIENTS },
  { what: 'to the server, at the director', host: (s) => s.director, routes: TO_LAST },
  { what: "to the server, at the servers' router", host: (s) => s.topology.inner, routes: TO_SERVER },
  {
    what: "from the server, at the servers' router",
    host: (s) => s.topology.inner,
    routes: OUT_OF_INNER,
    toSources: TO_SOURCES,
  },
];

for (const [method, egress] of [
  ['nat', 'packet'],
  ['nat', 'tun'],
  ['snat', 'packet'],
] as const)
  describeLab(`a narrow path of a director with ${method} and egress "${egress}"`, () => {
    let stage: NatStage;
    let director: DirectorAgent;

    before(async () => {
      // The only server is behind the inner router.
      stage = await NatStage.open({ realServers: 1, method });
      director = await DirectorAgent.open(stage.director, { ...stage.addresses, egress, device: { queues: 2 } });
      await stage.addServices(director);
    });

    after(async () => {
      await director?.close();
      await stage?.close();
    });

    for (const { what, host, toSources, ...narrow } of paths) {
      const routes = method === 'snat' ? (toSources ?? narrow.routes) : narrow.routes;
      for (const family of [4, 6] as const) {
        it(`${what}: carries 10 MB each way over IPv${family}`, async () => {
          const address = stage.virtual(family);
          await asNarrow(host(stage), routes, family, async () => {
            const up = await stage.fetch({ address, uploadBytes: LARGE_BYTES, timeoutMs: 30_000 });
            const down = await stage.fetch({ address, downloadBytes: LARGE_BYTES, timeoutMs: 30_000 });
            assert.deepEqual([up.intact, down.intact], [true, true]);
          });
        });
      }

      it(`${what}: carries long IPv4 datagrams that may be cut, and their answers`, async () => {
        await asNarrow(host(stage), routes, 4, async () => {
          const { failures, servers } = await stage.udp({ sockets: 4, datagrams: 3, bytes: DATAGRAM_BYTES });
          assert.deepEqual([failures, servers], [[], ['rs1', 'rs1', 'rs1', 'rs1']]);
        });
      });
    }

    it('never shows the client an address of the inner networks', async () => {
      const { all, shown } = await stage.secrets.counts();
      assert.ok(all > 1000, `${all}`);
      assert.equal(shown, 0);
    });

    /**
     * Runs `body` while the route is narrow, then checks that somebody was told, in addresses that he knows. What both
     * hosts have learnt before is forgotten.
     */
    async function asNarrow(host: LabHost, routes: readonly string[], family: 4 | 6, body: () => Promise<void>) {
      const [server] = stage.servers;
      assert.ok(server);
      const hosts = [stage.client, server.host, stage.director, stage.topology.inner, stage.topology.router];
      for (const each of hosts)
        for (const flag of ['-4', '-6']) await each.exec(['ip', flag, 'route', 'flush', 'cache']);
      const route = routes[family === 4 ? 0 : 1];
      const captures = await Promise.all([startCapture(stage.client, UPLINK), startCapture(server.host, UPLINK)]);
      host.ip([`route replace ${route} mtu lock ${NARROW_MTU}`]);
      try {
        await body();
      } finally {
        host.ip([`route replace ${route}`]);
      }
      const [atClient = [], atServer = []] = await Promise.all(captures.map((capture) => capture.stop()));
      const told = (flows: typeof atClient) =>
        flows.filter(({ direction, quotedSource }) => direction === 'in' && quotedSource !== null);
      const { topology } = stage;
      const client = family === 4 ? topology.clientAddress : topology.clientAddress6;
      const own = family === 4 ? server.address : server.address6;
      for (const { quotedSource, quotedDestination } of told(atClient))
        assert.deepEqual([quotedSource, quotedDestination], [client, stage.virtual(family)]);
      for (const { quotedSource, quotedDestination } of told(atServer)) {
        assert.equal(quotedSource, own);
        // With full NAT the server knows its client by an address of the director's.
        if (method === 'nat') assert.equal(quotedDestination, client);
        else assert.ok(isNatSource(quotedDestination ?? ''), `${quotedDestination}`);
      }
      if (family === 6) assert.ok(told(atClient).length + told(atServer).length > 0, 'nobody was told');
    }
  });
