/** A director whose own link or route to the real server takes less than 1500 bytes, and its answers to strangers. */
import { strict as assert } from 'node:assert';
import { setTimeout as sleep } from 'node:timers/promises';
import { egresses } from '../../lib/values/egress.js';
import { addService, DirectorAgent } from '../support/director-agent.js';
import { describeLab, PORT, TestStage, UPLINK } from '../support/lab.js';

describeLab('a director whose way to the real server is narrow', () => {
  let stage: TestStage;

  before(async () => {
    stage = await TestStage.open({ ipv6: true, realServers: 1 });
  });

  after(async () => {
    await stage?.close();
  });

  /** Returns what the real server's path MTU becomes within a few seconds. */
  async function becomes(director: DirectorAgent, bytes: number): Promise<void> {
    for (let tries = 0; tries < 250; tries++) {
      if ((await director.run((d) => d.stats().services[0]?.servers[0]?.pathMtu)) === bytes) return;
      await sleep(20);
    }
    assert.equal(await director.run((d) => d.stats().services[0]?.servers[0]?.pathMtu), bytes);
  }

  for (const egress of egresses) {
    for (const outer of [4, 6] as const) {
      it(`lets uploads of 1 MB finish by the egress ${egress} over IPv${outer}, and finds out when it is wide again`, async () => {
        const { virtualAddress, directorAddress, directorAddress6 } = stage.topology;
        const host = stage.director;
        const [server] = stage.servers;
        assert.ok(server);
        const realServer = outer === 4 ? server.address : server.address6;
        const route = `${outer === 4 ? `${realServer}/32 via 10.2.0.1` : `${realServer}/128 via 2001:db8:2::1`} dev ${UPLINK}`;
        const upload = async () => {
          for (const family of ['-4', '-6']) await stage.client.exec(['ip', family, 'route', 'flush', 'cache']);
          return (await stage.fetch({ uploadBytes: 1_000_000, timeoutMs: 20_000 })).intact;
        };
        host.ip([`link set dev ${UPLINK} mtu 1400`]);
        const director = await DirectorAgent.open(host, { egress, source: [directorAddress, directorAddress6] });
        try {
          const servers = [{ address: realServer }];
          await addService(director, { address: virtualAddress, port: PORT, scheduler: 'rr', servers });
          await becomes(director, 1400);
          assert.equal(await upload(), true, 'over a link of 1400');
          host.ip([`route add ${route} mtu 1300`]);
          await becomes(director, 1300);
          assert.equal(await upload(), true, 'over a route of 1300');
          host.ip([`route del ${route}`, `link set dev ${UPLINK} mtu 1500`]);
          await becomes(director, 1500);
          assert.equal(await upload(), true, 'over a link of 1500');
        } finally {
          await director.close();
          host.ip([`link set dev ${UPLINK} mtu 1500`]);
        }
      });
    }

    it(`answers its clients by the egress ${egress}, IPv4 and IPv6`, async () => {
      const { virtualAddress, virtualAddress6, directorAddress, directorAddress6 } = stage.topology;
      const [server] = stage.servers;
      assert.ok(server);
      const director = await DirectorAgent.open(stage.director, {
        egress,
        source: [directorAddress, directorAddress6],
      });
      try {
        for (const [address, realServer] of [
          [virtualAddress, server.address],
          [virtualAddress6, server.address6],
        ] as const) {
          await addService(director, { address, port: PORT, scheduler: 'rr', servers: [{ address: realServer }] });
          // Nobody listens, so the director resets.
          await assert.rejects(stage.fetch({ address, port: 81, timeoutMs: 5_000 }), /ECONNREFUSED/);
        }
      } finally {
        await director.close();
      }
    });
  }
});
