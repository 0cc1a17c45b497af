/** Packets for a virtual address whose director was killed end somewhere, and the client is told. */
import { strict as assert } from 'node:assert';
import { Agent } from '../../lib/lab/agent.js';
import { type DirectorLab, routedLab } from '../../lib/lab/topology.js';
import { startCapture } from '../support/capture.js';
import { describeLab } from '../support/lab.js';

const PROGRAM = new URL('../support/programs/host-holder.js', import.meta.url);
const TCP = 6;

/** Sends one ACK of a connection that nobody knows, with the TTL that hosts use. */
const SEND_ACK = `
import socket, struct, sys
target = sys.argv[1]
family = socket.AF_INET6 if ':' in target else socket.AF_INET
tcp = struct.pack('!HHIIBBHHH', 40000, 80, 1, 1, 5 << 4, 0x10, 1024, 0, 0)
sender = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_TCP)
sender.sendto(tcp, (target, 0))
`;

describeLab('the host of a killed director', () => {
  let lab: DirectorLab;

  before(async () => {
    lab = await routedLab({ realServers: 1, ipv6: true });
  });

  after(async () => {
    await lab?.lab.dispose();
  });

  /** Counts how often it passes between router and director until it ends. */
  async function copiesOfOneAck(address: string): Promise<number> {
    const capture = await startCapture(lab.router, 'director');
    await lab.client.exec(['python3', '-c', SEND_ACK, address]);
    // A packet that loops has used up its TTL in some milliseconds.
    await lab.client.exec(['sleep', '0.5']);
    const flows = await capture.stop();
    return flows
      .filter(({ destination, protocol }) => destination === address && protocol === TCP)
      .reduce((sum, { packets }) => sum + packets, 0);
  }

  it('does not pass them back, although it forwards', async () => {
    const { director, directorAddress, directorAddress6, virtualAddress, virtualAddress6 } = lab;
    // There is no guardian, as when it is killed together with the director.
    const child = director.spawn(['env', 'TUNVS_GUARDIAN=off', process.execPath, PROGRAM.pathname]);
    const agent = await Agent.connect(child);
    const options = { source: [directorAddress, directorAddress6], device: { name: 'tunvs0', queues: 1 } };
    await agent.call('director', { name: 'a', options, services: [virtualAddress, virtualAddress6] });
    await child.stop('SIGKILL');
    assert.equal(await director.sysctl('net/ipv4/ip_forward'), '1');
    assert.equal(await director.sysctl('net/ipv6/conf/all/forwarding'), '1');

    for (const address of [virtualAddress, virtualAddress6]) assert.equal(await copiesOfOneAck(address), 1, address);

    // This shows that the route does it.
    director.ip([`route del unreachable ${virtualAddress} metric 4294967295`]);
    assert.ok((await copiesOfOneAck(virtualAddress)) > 20);
  });
});
