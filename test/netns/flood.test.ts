/** A flood from addresses of nobody, far beyond what the table holds, and clients that want service meanwhile. */
import { strict as assert } from 'node:assert';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FloodOptions } from '../../bench/native-bench.js';
import { addService, DirectorAgent } from '../support/director-agent.js';
import { describeLab, PORT, TestStage, UPLINK } from '../support/lab.js';

const MAX_CONNECTIONS = 2048;
const FLOOD_PORT = 5000;
const FLOOD_MS = 8_000;
/** The flood fills four tables in all, half a table a second. */
const PACKETS_PER_SECOND = MAX_CONNECTIONS / 2;
const generator = new URL('../../bench/programs/generator.js', import.meta.url).pathname;

const floods = {
  'of datagrams to another service': { protocol: 'udp', port: FLOOD_PORT },
  'of SYNs to the same service': { protocol: 'tcp', port: PORT },
} as const;

for (const [name, attack] of Object.entries(floods)) {
  describeLab(`a director under a flood ${name}`, () => {
    let stage: TestStage;
    let director: DirectorAgent;

    before(async () => {
      stage = await TestStage.open();
      const source = stage.topology.directorAddress;
      director = await DirectorAgent.open(stage.director, { source, maxConnections: MAX_CONNECTIONS });
      const services = [
        { protocol: 'tcp', port: PORT },
        { protocol: 'udp', port: FLOOD_PORT },
      ] as const;
      for (const service of services) {
        const servers = stage.servers.map(({ address }) => ({ address }));
        await addService(director, { ...service, address: stage.virtualAddress, scheduler: 'rr', servers });
      }
    });

    after(async () => {
      await director?.close();
      await stage?.close();
    });

    it('serves who is there and who comes, while what it does not know pushes itself out', async () => {
      const { stdout } = await stage.topology.router.exec(['cat', '/sys/class/net/client/address']);
      const options: FloodOptions = {
        ...attack,
        interfaceName: UPLINK,
        destinationMac: stdout.trim(),
        virtualAddress: stage.virtualAddress,
        flows: 2 ** 20,
        packetBytes: 64,
        durationMs: FLOOD_MS,
        maxPackets: 2 ** 20,
        packetsPerSecond: PACKETS_PER_SECOND,
      };
      const { server } = await stage.fetch({ connection: 'established' });
      let isFlooding = true;
      const flood = stage.client
        .exec([process.execPath, generator, JSON.stringify(options)], { timeoutMs: FLOOD_MS + 20_000 })
        .finally(() => {
          isFlooding = false;
        });
      let requests = 0;
      while (isFlooding) {
        const established = await stage.fetch({ connection: 'established', timeoutMs: 5_000 });
        assert.equal(established.server, server);
        const fresh = await stage.fetchMany({ requests: 9, concurrency: 3, timeoutMs: 5_000 });
        assert.deepEqual(fresh.failures, []);
        requests += fresh.answered;
        await sleep(100);
      }
      const sent = JSON.parse((await flood).stdout) as { packets: number };
      const { evicted, connections } = await director.run((d) => {
        const { counters, table } = d.stats();
        return { evicted: Number(counters.connectionsEvicted), connections: table.ipv4 };
      });
      assert.ok(sent.packets > 3 * MAX_CONNECTIONS, `the flood had no more than ${sent.packets} packets`);
      assert.ok(evicted > MAX_CONNECTIONS, `${evicted} evicted, ${connections} there: the table was never full`);
      assert.ok(requests > 9, 'too few requests were made for this to tell anything');
    });
  });
}
