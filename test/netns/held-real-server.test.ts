/** A real server's host is held: what somebody takes away comes back, is told, and requests go on. */
import { strict as assert } from 'node:assert';
import { eventually } from '../support/eventually.js';
import { addService, DirectorAgent } from '../support/director-agent.js';
import { describeLab, hostState, PORT, TestStage } from '../support/lab.js';

const VIP = '10.2.0.100';
const write = (value: number, path: string) => `echo ${value} > /proc/sys/net/ipv4/conf/${path}`;

const damages: [what: string, command: string][] = [
  ['the virtual address is deleted', `ip address del ${VIP}/32 dev tunvs-rs0`],
  ['the tunnel device is set down', 'ip link set tunvs-rs0 down'],
  ['the tunnel device goes down and up', 'ip link set tunvs-rs0 down; ip link set tunvs-rs0 up'],
  ['all addresses of the tunnel device are flushed', 'ip address flush dev tunvs-rs0'],
  ['rp_filter of the tunnel device is strict', write(1, 'tunvs-rs0/rp_filter')],
  ['ARP is answered for the virtual address', `${write(0, 'eth0/arp_ignore')}; ${write(0, 'eth0/arp_announce')}`],
  ['the tunnel device has another name', 'ip link set tunvs-rs0 name rs9; ip address flush dev rs9'],
];

describeLab("a real server's host that somebody else changes", () => {
  let stage: TestStage;
  let director: DirectorAgent;
  let setUp: string;

  before(async () => {
    stage = await TestStage.open({ topology: 'lan', realServers: 1 });
    director = await DirectorAgent.open(stage.director, { source: stage.topology.directorAddress, egress: 'tun' });
    const servers = stage.servers.map(({ address }) => ({ address }));
    await addService(director, { address: VIP, port: PORT, scheduler: 'rr', servers });
    setUp = await hostState(rs());
  });

  after(async () => {
    await stage?.close();
  });

  const rs = () => {
    const [server] = stage.servers;
    assert.ok(server);
    return server.host;
  };

  for (const [what, command] of damages) {
    it(`is put right when ${what}`, async () => {
      await rs().exec(['sh', '-c', command]);
      const same = (state: string) => state.replaceAll('rs9', 'tunvs-rs0').split('\n').sort().join('\n') === setUp;
      await eventually(() => hostState(rs()), same, 'the host is as it was set up');
      const { failures, servers } = await stage.fetchMany({ requests: 4, concurrency: 2 });
      assert.deepEqual([failures, servers], [[], { rs1: 4 }]);
    });
  }
});
