/** The same on the wire: Wireshark looks over a capture of what leaves a director with real traffic. */
import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { addService, DirectorAgent } from '../support/director-agent.js';
import { describeLab, type LabHost, PORT, TestStage, UPLINK } from '../support/lab.js';
import { macOf } from '../support/neighbours.js';
import { probe } from '../support/probe.js';
import { type Dissected, dissect } from '../support/tshark.js';

const METHODS = [
  { forwarding: 'dr' },
  { forwarding: 'ipip' },
  { forwarding: 'gue', tunnelPort: 6080, tunnelChecksum: 'checksum' },
  { forwarding: 'gre', tunnelChecksum: 'checksum' },
] as const;

describeLab('Wireshark beside a director', () => {
  let folder: string;
  let stage: TestStage;
  let director: DirectorAgent;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tunvs-capture-'));
    stage = await TestStage.open({
      topology: 'lan',
      ipv6: true,
      realServers: METHODS.length,
      forwarding: (index) => METHODS[index]?.forwarding ?? 'ipip',
    });
    // The kernel cuts the trains of GUE, and makes checksums, before a packet is captured.
    await stage.director.exec(['ethtool', '-K', UPLINK, 'tx', 'off']);
  });

  after(async () => {
    await stage?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  for (const egress of ['packet', 'raw', 'tun'] as const) {
    it(`has nothing to say about what leaves by egress "${egress}"`, async () => {
      const { directorAddress, directorAddress6, virtualAddress, virtualAddress6 } = stage.topology;
      director = await DirectorAgent.open(stage.director, { source: [directorAddress, directorAddress6], egress });
      try {
        const from = egress === 'packet' ? 0 : 1;
        for (const address of [virtualAddress, virtualAddress6]) {
          const servers = stage.servers.slice(from).map((server, index) => ({
            address: address === virtualAddress ? server.address : server.address6,
            ...METHODS[index + from],
          }));
          for (const protocol of ['tcp', 'udp'] as const)
            await addService(director, { protocol, address, port: PORT, scheduler: 'rr', servers });
        }
        const dissected = await captured(stage.director, async () => {
          for (const address of [virtualAddress, virtualAddress6]) {
            const { failures } = await stage.fetchMany({ address, requests: 20, concurrency: 10, uploadBytes: 20_000 });
            assert.deepEqual(failures, []);
            assert.deepEqual((await stage.udp({ address, sockets: 8, datagrams: 1, bytes: 4000 })).failures, []);
            await probe(stage.client, { address, kind: 'echo' });
            await probe(stage.client, { address, kind: 'udp', port: 81 });
          }
        });
        const { inForce, refused } = await director.run((d) => ({
          inForce: d.device?.offloads.filter(({ isInForce }) => isInForce).map(({ name }) => name) ?? [],
          refused: Number(d.stats().counters.offloadsRefused),
        }));
        // With the packet egress, GUE went in trains.
        assert.equal(inForce.includes('gue'), egress === 'packet');
        assert.equal(refused, 0);
        assert.deepEqual(
          dissected.filter(({ complaints }) => complaints.length > 0),
          [],
        );
        const seen = dissected.map(({ protocols }) => protocols);
        for (const layers of [
          'ip:ip:tcp',
          'ipv6:ipv6:tcp',
          'ip:udp:gue:ip:tcp',
          'ipv6:gre:ipv6:tcp',
          'ip:icmp',
          'ipv6:icmpv6',
        ])
          assert.ok(
            seen.some((each) => each.startsWith(`eth:ethertype:${layers}`)),
            `${layers} is missing among ${[...new Set(seen)].join(' ')}`,
          );
      } finally {
        await director.close();
      }
    });
  }

  /** What the host sent meanwhile. */
  async function captured(host: LabHost, traffic: () => Promise<void>): Promise<Dissected[]> {
    const path = join(folder, 'captured.pcap');
    const dumpcap = host.spawn(['sh', '-c', `exec dumpcap -q -P -B 32 -i ${UPLINK} -w ${path} 2>&1`]);
    await dumpcap.line((line) => line.startsWith('File: '));
    await traffic();
    await setTimeout(500); // the kernel hands captured packets over in blocks
    await dumpcap.stop('SIGINT');
    assert.match(dumpcap.lines.join('\n'), /received\/dropped on interface .*: \d+\/0 /);
    return dissect(path, `eth.src == ${await macOf(host, UPLINK)} && (ip || ipv6)`);
  }
});
