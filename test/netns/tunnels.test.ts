/** Pools that are reached by GUE and GRE, with every kind of checksum, and from a range of sources. */
import { strict as assert } from 'node:assert';
import type { RealServerOptions } from '../../lib/index.js';
import { type CapturedFlow, startCapture } from '../support/capture.js';
import { addService, DirectorAgent } from '../support/director-agent.js';
import { DirectorCommand, describeLab, labRules, PORT, TestStage, UPLINK } from '../support/lab.js';

const GUE_PORT = 6080;
const UPLOAD_BYTES = 1_000_000;
const RANGE = '10.4.0.0/28';

type Tunnel = Pick<RealServerOptions, 'forwarding' | 'tunnelPort' | 'tunnelChecksum'>;

const tunnels: { what: string; tunnel: Tunnel; protocol: number }[] = [
  ...(['none', 'checksum', 'remote'] as const).map((tunnelChecksum) => ({
    what: `GUE, checksum "${tunnelChecksum}"`,
    tunnel: { forwarding: 'gue' as const, tunnelPort: GUE_PORT, tunnelChecksum },
    protocol: 17,
  })),
  ...(['none', 'checksum'] as const).map((tunnelChecksum) => ({
    what: `GRE, checksum "${tunnelChecksum}"`,
    tunnel: { forwarding: 'gre' as const, tunnelChecksum },
    protocol: 47,
  })),
];

describeLab('real servers that are reached by other tunnels than IPIP', () => {
  let stage: TestStage;
  let director: DirectorAgent | undefined;

  before(async () => {
    stage = await TestStage.open({
      ipv6: true,
      realServers: 2,
      forwarding: 'ipip,gue,gre',
      directors: ['10.2.0.2', '2001:db8:2::2', RANGE],
    });
    stage.topology.router.ip([`route add ${RANGE} via ${stage.topology.directorAddress}`]);
  });

  after(async () => {
    await stage?.close();
  });

  afterEach(async () => {
    await director?.close();
    director = undefined;
  });

  async function open(source = stage.topology.directorAddress): Promise<DirectorAgent> {
    director = await DirectorAgent.open(stage.director, {
      source: [source, stage.topology.directorAddress6],
      device: { queues: 2 },
    });
    return director;
  }

  /**
   * Sends requests, an upload that begins too long for the tunnel, and datagrams; returns what of it left the director.
   */
  async function exchange(address: string): Promise<CapturedFlow[]> {
    const capture = await startCapture(stage.director, UPLINK);
    const { failures, servers } = await stage.fetchMany({ address, requests: 40, concurrency: 20 });
    assert.deepEqual(failures, []);
    assert.deepEqual(servers, { rs1: 20, rs2: 20 });
    assert.equal((await stage.fetch({ address, uploadBytes: UPLOAD_BYTES, timeoutMs: 20_000 })).intact, true);
    const echoed = await stage.udp({ address, sockets: 4, datagrams: 2, bytes: 1200 });
    assert.deepEqual([echoed.failures, echoed.servers.sort()], [[], ['rs1', 'rs1', 'rs2', 'rs2']]);
    return (await capture.stop()).filter(({ innerDestination }) => innerDestination === address);
  }

  for (const { what, tunnel, protocol } of tunnels) {
    for (const [inner, outer] of [
      [4, 4],
      [6, 4],
      [4, 6],
      [6, 6],
    ]) {
      it(`${what}: IPv${inner} in IPv${outer}`, async () => {
        const opened = await open();
        const { virtualAddress, virtualAddress6 } = stage.topology;
        const address = inner === 4 ? virtualAddress : virtualAddress6;
        const servers = stage.servers.map((server) => ({
          address: outer === 4 ? server.address : server.address6,
          ...tunnel,
        }));
        for (const service of ['tcp', 'udp'] as const)
          await addService(opened, { protocol: service, address, port: PORT, scheduler: 'rr', servers });
        const flows = await exchange(address);
        assert.ok(flows.length > 0);
        assert.deepEqual([...new Set(flows.map((flow) => flow.protocol))], [protocol]);
      });
    }
  }

  it('takes packets from every address of a range, which flows are spread over', async () => {
    const opened = await open(RANGE);
    const servers = stage.servers.map(({ address }) => ({ address }));
    for (const protocol of ['tcp', 'udp'] as const)
      await addService(opened, { protocol, address: stage.virtualAddress, port: PORT, scheduler: 'rr', servers });
    const flows = await exchange(stage.virtualAddress);
    const sources = new Set(flows.map(({ source }) => source));
    assert.ok(sources.size > 8, `only ${[...sources].join(', ')}`);
    for (const source of sources) assert.match(source, /^10\.4\.0\.([0-9]|1[0-5])$/);
  });

  it('takes them from rules in the words of ipvsadm, in one pool', async () => {
    const [first, second] = stage.servers;
    assert.ok(first && second);
    const servers = [
      { address: first.address, forwarding: `-i --tun-type gue --tun-port ${GUE_PORT} --tun-csum` },
      { address: second.address, forwarding: '-i --tun-type gre --tun-csum' },
    ];
    const rules = (['tcp', 'udp'] as const).map((protocol) => ({ protocol, port: PORT, scheduler: 'rr', servers }));
    const command = await DirectorCommand.start(stage.director, {
      rules: labRules(stage.virtualAddress, rules),
      source: stage.topology.directorAddress,
    });
    try {
      const flows = await exchange(stage.virtualAddress);
      const protocols = new Map(flows.map(({ destination, protocol }) => [destination, protocol]));
      assert.deepEqual([protocols.get(first.address), protocols.get(second.address)], [17, 47]);
    } finally {
      await command.stop();
    }
  });
});
