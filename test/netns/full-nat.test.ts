/** HTTP and UDP through a director with full NAT, whose servers know no way to the client or the virtual address. */
import { strict as assert } from 'node:assert';
import { INNER } from '../../lib/lab/topology.js';
import { native } from '../../lib/native/addon.js';
import type { CounterName } from '../../lib/index.js';
import { type CapturedFlow, startCapture } from '../support/capture.js';
import { addService, DirectorAgent } from '../support/director-agent.js';
import { queuedWays, wayName, wayOptions } from '../support/director-ways.js';
import { describeLab, hostState, PORT, UPLINK } from '../support/lab.js';
import { isNatSource, NatStage, SERVER_PORT } from '../support/nat-stage.js';
import { probe } from '../support/probe.js';

const CONNECTIONS = 300;
const LARGE_BYTES = 10_000_000;
const SOURCES = { 4: 4, 6: 3 } as const;

for (const way of queuedWays)
  describeLab(`full NAT by a director with ${wayName(way)}`, () => {
    let stage: NatStage;
    let director: DirectorAgent;
    let untouched: string;

    before(async () => {
      stage = await NatStage.open({ method: 'snat' });
      untouched = await hostState(stage.director);
      director = await DirectorAgent.open(stage.director, { ...stage.addresses, ...wayOptions(way) });
      await stage.addServices(director);
    });

    after(async () => {
      await stage?.close();
    });

    for (const family of [4, 6] as const) {
      it(`answers ${CONNECTIONS} connections over IPv${family}, whose servers see every source and never the client`, async () => {
        const address = stage.virtual(family);
        const captures = await Promise.all(stage.servers.map(({ host }) => startCapture(host, UPLINK)));
        const result = await stage.fetchMany({ address, requests: CONNECTIONS, concurrency: 100 });
        const flows = await Promise.all(captures.map((capture) => capture.stop()));
        assert.deepEqual([result.failures, result.intact], [[], CONNECTIONS]);
        assert.deepEqual(result.servers, { rs1: 100, rs2: 100, rs3: 100 });
        for (const seen of flows) {
          const clients = clientsIn(seen, 6);
          assert.deepEqual(
            [clients.length, clients.filter(isNatSource).length],
            [SOURCES[family], SOURCES[family]],
            `${clients}`,
          );
        }
      });

      it(`keeps every kept-alive connection over IPv${family} on its real server`, async () => {
        const address = stage.virtual(family);
        const result = await stage.fetchMany({ address, requests: 600, concurrency: 60, connection: 'kept' });
        assert.deepEqual([result.failures, result.intact, result.moved], [[], 600, 0]);
      });

      it(`carries 10 MB up and down over IPv${family}, intact`, async () => {
        const address = stage.virtual(family);
        const up = await stage.fetch({ address, uploadBytes: LARGE_BYTES, timeoutMs: 30_000 });
        const down = await stage.fetch({ address, downloadBytes: LARGE_BYTES, timeoutMs: 30_000 });
        assert.deepEqual([up.intact, down.intact], [true, true]);
      });

      it(`echoes datagrams over IPv${family}, each socket with one real server that sees no client`, async () => {
        const captures = await Promise.all(stage.servers.map(({ host }) => startCapture(host, UPLINK)));
        const { servers, failures } = await stage.udp({ address: stage.virtual(family), sockets: 9, datagrams: 20 });
        const flows = (await Promise.all(captures.map((capture) => capture.stop()))).flat();
        assert.deepEqual(failures, []);
        assert.deepEqual(servers.sort(), ['rs1', 'rs1', 'rs1', 'rs2', 'rs2', 'rs2', 'rs3', 'rs3', 'rs3']);
        const clients = clientsIn(flows, 17);
        assert.ok(clients.length > 0 && clients.every(isNatSource), `${clients}`);
      });

      it(`drops and counts what comes to a source over IPv${family} without a connection, and sends it nowhere`, async () => {
        const [server] = stage.servers;
        assert.ok(server);
        const source = family === 4 ? '10.4.0.193' : '2001:db8:4::c1';
        const dropped = () => director.run((d) => Number(d.stats().counters.dropUnmatchedReply));
        const before = await dropped();
        const capture = await startCapture(stage.director, INNER);
        for (const port of [7, SERVER_PORT, 40_000])
          await probe(server.host, { address: source, kind: 'udp', port, ttl: 255, timeoutMs: 200 });
        const flows = await capture.stop();
        const sent = flows.filter(({ destination, protocol }) => destination === source && protocol === 17);
        const packets = sent.reduce((sum, { packets }) => sum + packets, 0);
        assert.ok(packets >= 3 && sent.every(({ direction }) => direction === 'in'), JSON.stringify(sent));
        assert.equal((await dropped()) - before, packets);
      });

      it(`a source is pinged over IPv${family} as the virtual address is`, async () => {
        const [server] = stage.servers;
        assert.ok(server);
        const address = family === 4 ? '10.4.0.193' : '2001:db8:4::c1';
        const answer = await probe(server.host, { address, kind: 'echo' });
        assert.deepEqual([answer?.from, answer?.kind, answer?.isIntact], [address, 'reply', true]);
      });
    }

    it('accounts for every packet and every connection', async () => {
      const { totals, counters, table } = await director.run((d) => d.stats());
      const count = (name: string) => Number(counters[name as CounterName]);
      const sum = (...names: readonly string[]) => names.reduce((all, name) => all + count(name), 0);
      assert.equal(sum(...native.verdicts), count('received'));
      assert.ok(count('forwarded') > 0 && count('returned') > 0);
      assert.equal(sum('egressNoRoute', 'egressTooLong', 'egressFailed', 'badOffloads', 'dropNoPort'), 0);
      assert.equal(Number(totals.inPackets), count('forwarded'));
      assert.equal(Number(totals.outPackets), count('returned'));
      const gone = sum('connectionsExpired', 'connectionsEvicted', 'connectionsDropped');
      assert.equal(count('connectionsCreated'), gone + (table.ipv4 + table.ipv6) / 2);
    });

    it('never shows the client an address of the inner networks', async () => {
      const { all, shown } = await stage.secrets.counts();
      assert.ok(all > 1000, `${all}`);
      assert.equal(shown, 0);
    });

    it("makes the director's host what it was when it closes", async () => {
      assert.notEqual(await hostState(stage.director), untouched);
      await director.close();
      assert.equal(await hostState(stage.director), untouched);
    });
  });

describeLab('full NAT whose sources are virtual addresses, too', () => {
  it('serves clients of such an address, whose servers see the same address', async () => {
    const stage = await NatStage.open({ method: 'snat' });
    try {
      const shared = ['10.4.0.194', '2001:db8:4::c2'];
      stage.topology.router.ip(shared.map((address, index) => `route add ${address} via ${stage.source[index]}`));
      const sources = { fullNat: { sources: shared } };
      const untouched = await hostState(stage.director);
      const director = await DirectorAgent.open(stage.director, { ...stage.addresses, ...sources });
      for (const [index, address] of shared.entries()) {
        const servers = stage.natServers(index === 0 ? 4 : 6);
        await addService(director, { address, port: PORT, scheduler: 'rr', servers });
      }
      for (const address of shared) {
        const captures = await Promise.all(stage.servers.map(({ host }) => startCapture(host, UPLINK)));
        const result = await stage.fetchMany({ address, requests: 30, concurrency: 10 });
        const flows = (await Promise.all(captures.map((capture) => capture.stop()))).flat();
        assert.deepEqual([result.failures, result.servers], [[], { rs1: 10, rs2: 10, rs3: 10 }]);
        assert.deepEqual(clientsIn(flows, 6), [address]);
      }
      // The sources stay directed when the services are gone.
      await director.run((d) => {
        for (const service of d.virtualServices) service.delete();
      });
      const [server] = stage.servers;
      const answer = server && (await probe(server.host, { address: shared[0] ?? '', kind: 'echo' }));
      assert.equal(answer?.kind, 'reply');
      await director.close();
      assert.equal(await hostState(stage.director), untouched);
    } finally {
      await stage.close();
    }
  });
});

/** Returns who sent packets of the protocol to this host. */
function clientsIn(flows: readonly CapturedFlow[], protocol: number): string[] {
  const sent = flows.filter((flow) => flow.direction === 'in' && flow.protocol === protocol);
  return [...new Set(sent.map(({ source }) => source))];
}
