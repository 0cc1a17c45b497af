/** HTTP and UDP through a director that rewrites packets of both directions, with every egress and number of queues. */
import { strict as assert } from 'node:assert';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { CounterName } from '../../lib/index.js';
import { INNER } from '../../lib/lab/topology.js';
import { native } from '../../lib/native/addon.js';
import { startCapture } from '../support/capture.js';
import { DirectorAgent } from '../support/director-agent.js';
import { fastWays, queuedWays, type Way, wayName, wayOptions } from '../support/director-ways.js';
import { eventually } from '../support/eventually.js';
import { describeLab, hostState, UPLINK } from '../support/lab.js';
import { NatStage, SERVER_PORT } from '../support/nat-stage.js';

const CONNECTIONS = 300;
const LARGE_BYTES = 10_000_000;

const ringWay: Way = { egress: 'packet', queues: 2, rings: [UPLINK] };

for (const way of [...queuedWays, ringWay, ...fastWays]) {
  describeLab(`NAT by a director with ${wayName(way)}`, () => {
    let stage: NatStage;
    let director: DirectorAgent;
    let untouched: string;

    before(async () => {
      stage = await NatStage.open();
      untouched = await hostState(stage.director);
      director = await DirectorAgent.open(stage.director, {
        source: stage.source,
        ...wayOptions(way),
      });
      await director.run((d) => d.setTimeouts({ tcp: 900, tcpFin: 1, udp: 300 }));
      await stage.addServices(director);
    });

    after(async () => {
      await stage?.close();
    });

    for (const family of [4, 6] as const) {
      it(`answers ${CONNECTIONS} connections over IPv${family}, on another port than the servers'`, async () => {
        const address = stage.virtual(family);
        const result = await stage.fetchMany({ address, requests: CONNECTIONS, concurrency: 100 });
        assert.deepEqual(result.failures, []);
        assert.equal(result.intact, CONNECTIONS);
        assert.deepEqual(result.servers, { rs1: 100, rs2: 100, rs3: 100 });
      });

      it(`keeps every kept-alive connection over IPv${family} on its real server`, async () => {
        const address = stage.virtual(family);
        const result = await stage.fetchMany({ address, requests: 600, concurrency: 60, connection: 'kept' });
        assert.deepEqual(result.failures, []);
        assert.deepEqual([result.intact, result.moved], [600, 0]);
      });

      it(`carries 10 MB up and down over IPv${family}, intact`, async () => {
        const address = stage.virtual(family);
        const up = await stage.fetch({ address, uploadBytes: LARGE_BYTES, timeoutMs: 30_000 });
        const down = await stage.fetch({ address, downloadBytes: LARGE_BYTES, timeoutMs: 30_000 });
        assert.deepEqual([up.intact, down.intact], [true, true]);
      });

      it(`echoes datagrams over IPv${family}, each socket with one real server`, async () => {
        const { servers, failures } = await stage.udp({
          ...{ address: stage.virtual(family), sockets: 9, datagrams: 20 },
        });
        assert.deepEqual(failures, []);
        assert.deepEqual(servers.sort(), ['rs1', 'rs1', 'rs1', 'rs2', 'rs2', 'rs2', 'rs3', 'rs3', 'rs3']);
      });
    }

    it('counts as outgoing what the servers have sent, and no more', async () => {
      const outgoing = () =>
        director.run((d) => {
          const { outPackets, outBytes } = d.stats().totals;
          return { packets: Number(outPackets), bytes: Number(outBytes) };
        });
      const before = await settled(outgoing);
      const captures = await Promise.all(stage.servers.map(({ host }) => startCapture(host, UPLINK)));
      const echoed = await stage.udp({ sockets: 6, datagrams: 10 });
      assert.deepEqual(echoed.failures, []);
      const result = await stage.fetchMany({ requests: 30, concurrency: 10 });
      assert.deepEqual(result.failures, []);
      const after = await settled(outgoing);
      const flows = (await Promise.all(captures.map((capture) => capture.stop()))).flat();
      const sent = flows.filter(({ direction, protocol }) => direction === 'out' && [6, 17].includes(protocol));
      assert.ok(sent.every(({ destination }) => destination === stage.topology.clientAddress));
      assert.equal(
        after.packets - before.packets,
        sent.reduce((sum, { packets }) => sum + packets, 0),
      );
      assert.equal(
        after.bytes - before.bytes,
        sent.reduce((sum, { bytes }) => sum + bytes, 0),
      );
    });

    it('counts a hop for each router, and itself once', async () => {
      for (const family of [4, 6] as const) {
        const [client, ...inner] = await Promise.all([
          startCapture(stage.client, UPLINK),
          ...stage.servers.map(({ host }) => startCapture(host, UPLINK)),
        ]);
        const { failures } = await stage.udp({ address: stage.virtual(family), sockets: 6, datagrams: 2 });
        assert.deepEqual(failures, []);
        const ttls = await Promise.all(
          inner.map(async (capture) =>
            (await capture.stop()).flatMap(({ direction, protocol, ttl }) =>
              direction === 'in' && protocol === 17 ? [ttl] : [],
            ),
          ),
        );
        // The router and the director; for the last server the inner router as well.
        assert.deepEqual(ttls, [[62], [62], [61]]);
        const [back] = (await client.stop()).filter(({ direction, protocol }) => direction === 'in' && protocol === 17);
        assert.ok(back && [62, 61].includes(back.ttl), JSON.stringify(back));
      }
    });

    it('has no active connection when all are closed, and shows those in TIME_WAIT as inactive', async () => {
      for (const family of [4, 6] as const)
        await stage.fetchMany({ address: stage.virtual(family), requests: 9, concurrency: 3 });
      await ended();
      const servers = await director.run((d) =>
        d
          .stats()
          .services.filter(({ protocol }) => protocol === 'tcp')
          .flatMap((service) => service.servers.map((server) => ({ ...server }))),
      );
      assert.equal(servers.length, 6);
      for (const { activeConnections, inactiveConnections } of servers) {
        assert.equal(Number(activeConnections), 0);
        assert.ok(Number(inactiveConnections) >= 3, `${inactiveConnections}`);
      }
    });

    it('accounts for every packet and every connection', async () => {
      const { totals, counters, table } = await director.run((d) => d.stats());
      const count = (name: string) => Number(counters[name as CounterName]);
      const sum = (...names: readonly string[]) => names.reduce((all, name) => all + count(name), 0);
      assert.equal(sum(...native.verdicts), count('received'));
      assert.ok(count('forwarded') > 0 && count('returned') > 0);
      const lost = ['egressNoBuffer', 'egressNoRoute', 'egressTooLong', 'egressFailed'];
      assert.equal(sum('sent', ...lost), count('handedOut'));
      assert.equal(sum(...lost, 'badOffloads', 'offloadsRefused', 'dropUnmatchedReply', 'answeredTooBig'), 0);
      assert.equal(count('fastForwarded'), 0);
      assert.equal(Number(totals.inPackets), count('forwarded'));
      assert.equal(Number(totals.outPackets), count('returned'));
      const gone = sum('connectionsExpired', 'connectionsEvicted', 'connectionsDropped');
      // Each has an entry for either direction.
      assert.equal(count('connectionsCreated'), gone + (table.ipv4 + table.ipv6) / 2);
      assert.equal(Number(totals.connections), count('connectionsCreated'));
    });

    it('never shows the client an address of the inner networks', async () => {
      const { all, shown } = await stage.secrets.counts();
      assert.ok(all > 1000, `${all}`);
      assert.equal(shown, 0);
    });

    it("makes the director's host what it was when it closes", async () => {
      assert.match(await hostState(stage.director), new RegExp(`ipproto tcp sport ${SERVER_PORT} lookup`));
      assert.notEqual(await stage.director.hasDevice(INNER), false);
      await director.close();
      assert.equal(await hostState(stage.director), untouched);
    });

    /** Returns what is read once it does not change any more: a last ACK follows what ends a connection. */
    async function settled<T>(read: () => Promise<T>): Promise<T> {
      await ended();
      let last = await read();
      for (let same = 0; same < 5; ) {
        await sleep(50);
        const now = await read();
        same = isDeepStrictEqual(now, last) ? same + 1 : 0;
        last = now;
      }
      return last;
    }

    /** Resolves when both sides of each connection of HTTP have closed it. */
    async function ended(): Promise<void> {
      const open = () =>
        director.run(async (d) => {
          const states: string[] = [];
          for await (const { state } of d.connections({ protocol: 'tcp' }))
            if (state !== 'TIME_WAIT') states.push(state);
          return states;
        });
      await eventually(open, (states) => states.length === 0, 'no connection is open');
    }
  });
}
