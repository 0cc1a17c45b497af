/** Director, real servers and virtual address on one segment: ARP decides who gets the packets. */
import { strict as assert } from 'node:assert';
import { addService, DirectorAgent } from '../support/director-agent.js';
import { describeLab, hostState, PORT, TestStage, UPLINK } from '../support/lab.js';

/** The first and the last address of 10.2.0.96/29. */
const IN_RANGE = ['10.2.0.96', '10.2.0.103'];

describeLab('on one LAN, with strict rp_filter everywhere', () => {
  let stage: TestStage;
  let director: DirectorAgent;
  let before_: string;

  before(async () => {
    stage = await TestStage.open({ topology: 'lan', rpFilter: 1, moreVirtualAddresses: IN_RANGE });
    before_ = await hostState(stage.director);
    director = await DirectorAgent.open(stage.director, { source: stage.topology.directorAddress, egress: 'tun' });
    await addService(director, {
      address: stage.virtualAddress,
      port: PORT,
      scheduler: 'rr',
      servers: stage.servers.map(({ address }) => ({ address })),
    });
  });

  after(async () => {
    await stage?.close();
  });

  it('the director alone answers ARP for the virtual address', async () => {
    const result = await stage.fetchMany({ requests: 60, concurrency: 20 });
    assert.deepEqual(result.failures, []);
    assert.deepEqual(result.servers, { rs1: 20, rs2: 20, rs3: 20 });

    const neighbour = (await stage.topology.router.exec(['ip', 'neigh', 'show', stage.virtualAddress])).stdout;
    const link = (await stage.director.exec(['ip', '-o', 'link', 'show', 'dev', UPLINK])).stdout;
    const [, mac = 'none'] = /link\/ether (\S+)/.exec(link) ?? [];
    assert.match(neighbour, new RegExp(`lladdr ${mac} `));
  });

  it('the director answers ARP for each address of a range of virtual addresses', async () => {
    const servers = stage.servers.map(({ address }) => ({ address }));
    await addService(director, { address: '10.2.0.96/29', port: PORT, scheduler: 'rr', servers });
    for (const address of IN_RANGE) {
      const { failures, servers } = await stage.fetchMany({ address, requests: 6, concurrency: 2 });
      assert.deepEqual([failures, servers], [[], { rs1: 2, rs2: 2, rs3: 2 }], address);
    }
  });

  it('leaves the other interfaces strict', async () => {
    assert.equal(await stage.director.sysctl('net/ipv4/conf/all/rp_filter'), '1');
    for (const { host } of stage.servers) assert.equal(await host.sysctl('net/ipv4/conf/all/rp_filter'), '1');
  });

  it("makes the director's host what it was when it closes", async () => {
    await director.close();
    assert.equal(await hostState(stage.director), before_);
  });

  it("makes a real server's host what it was when its command is ended", async () => {
    const [server] = stage.servers;
    assert.ok(server);
    assert.equal(await server.host.sysctl(`net/ipv4/conf/${UPLINK}/arp_ignore`), '1');
    assert.equal(await server.host.sysctl(`net/ipv4/conf/${UPLINK}/arp_announce`), '2');
    const { code } = await server.command.stop('SIGTERM');
    assert.equal(code, 0);
    assert.equal(await server.host.sysctl(`net/ipv4/conf/${UPLINK}/arp_ignore`), '0');
    assert.equal(await server.host.sysctl(`net/ipv4/conf/${UPLINK}/arp_announce`), '0');
    assert.equal(await server.host.hasDevice('tunvs-rs0'), false);
  });
});
