/** HTTP and UDP of both families through tunnels of both families. */
import { strict as assert } from 'node:assert';
import { startCapture } from '../support/capture.js';
import { addService, DirectorAgent } from '../support/director-agent.js';
import { describeLab, PORT, TestStage, UPLINK } from '../support/lab.js';

const UPLOAD_BYTES = 2_000_000;

const combinations = [
  { what: 'IPv4 in IPv4', inner: 4, outer: 4, protocol: 4 },
  { what: 'IPv6 in IPv4', inner: 6, outer: 4, protocol: 41 },
  { what: 'IPv4 in IPv6', inner: 4, outer: 6, protocol: 4 },
  { what: 'IPv6 in IPv6', inner: 6, outer: 6, protocol: 41 },
] as const;

for (const egress of ['packet', 'raw', 'tun'] as const) {
  describeLab(`a director of both families with egress "${egress}"`, () => {
    let stage: TestStage;
    let director: DirectorAgent;

    before(async () => {
      stage = await TestStage.open({ ipv6: true, realServers: 2 });
      const { directorAddress, directorAddress6 } = stage.topology;
      director = await DirectorAgent.open(stage.director, {
        source: [directorAddress, directorAddress6],
        egress,
        device: { queues: 2 },
      });
    });

    after(async () => {
      await director?.close();
      await stage?.close();
    });

    for (const { what, inner, outer, protocol } of combinations) {
      it(`carries ${what}: HTTP, an upload that begins too long for the tunnel, and datagrams`, async () => {
        const address = inner === 4 ? stage.virtualAddress : stage.topology.virtualAddress6;
        const servers = stage.servers.map((server) => ({
          address: outer === 4 ? server.address : server.address6,
        }));
        await director.run((d) => d.clear());
        for (const service of ['tcp', 'udp'] as const)
          await addService(director, { protocol: service, address, port: PORT, scheduler: 'rr', servers });

        const capture = await startCapture(stage.director, UPLINK);
        const many = await stage.fetchMany({ address, requests: 60, concurrency: 20 });
        assert.deepEqual(many.failures, []);
        assert.deepEqual(many.servers, { rs1: 30, rs2: 30 });
        assert.equal((await stage.fetch({ address, uploadBytes: UPLOAD_BYTES, timeoutMs: 30_000 })).intact, true);
        const { servers: echoed, failures } = await stage.udp({ address, sockets: 4, datagrams: 3 });
        assert.deepEqual(failures, []);
        assert.deepEqual(echoed.sort(), ['rs1', 'rs1', 'rs2', 'rs2']);

        const flows = (await capture.stop()).filter(({ innerDestination }) => innerDestination !== null);
        const { directorAddress, directorAddress6 } = stage.topology;
        assert.ok(flows.length > 0);
        for (const flow of flows) {
          assert.deepEqual(
            [flow.direction, flow.source, flow.protocol, flow.innerDestination],
            ['out', outer === 4 ? directorAddress : directorAddress6, protocol, address],
          );
        }
      });
    }
  });
}
