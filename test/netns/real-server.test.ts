/** A real server's host: what it accepts, what it drops, and what it leaves behind. */
import { strict as assert } from 'node:assert';
import { eventually } from '../support/eventually.js';
import { describeLab, hostState, Lab, type LabHost, type LabProcess, startRealServerCommand } from '../support/lab.js';

const VIP = '10.9.9.9';
const DIRECTOR = '10.3.0.2';
const STRANGER = '10.3.0.3';
const RIP = '10.3.0.11';

/**
 * Sends tunnel packets that hold a datagram each. Its arguments: OUTER_SOURCE OUTER_DESTINATION INNER_SOURCE
 * INNER_DESTINATION PORT.
 */
const TUNNEL_SENDER = `
import socket, struct, sys
outer_source, outer_destination, inner_source, inner_destination, port = sys.argv[1:6]
payload = b'hello'
udp = struct.pack('!HHHH', 4000, int(port), 8 + len(payload), 0) + payload
def header(source, destination, protocol, length):
    parts = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 20 + length, 1, 0, 64, protocol, 0, socket.inet_aton(source), socket.inet_aton(destination))
    total = sum(struct.unpack('!10H', parts))
    total = (total & 0xffff) + (total >> 16)
    total = (total & 0xffff) + (total >> 16)
    return parts[:10] + struct.pack('!H', ~total & 0xffff) + parts[12:]
inner = header(inner_source, inner_destination, 17, len(udp)) + udp
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
raw.sendto(header(outer_source, outer_destination, 4, len(inner)) + inner, (outer_destination, 0))
`;

/** Prints who sent each datagram that arrives at ADDRESS PORT. */
const LISTENER = `
import socket, sys
listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
listener.bind((sys.argv[1], int(sys.argv[2])))
print('listening', flush=True)
while True:
    _, (address, _) = listener.recvfrom(100)
    print(address, flush=True)
`;

describeLab('tunvs realserver', () => {
  let lab: Lab;
  let server: LabHost;
  let sender: LabHost;
  let command: LabProcess | undefined;

  before(async () => {
    lab = Lab.create();
    server = await lab.addHost('rs1');
    sender = await lab.addHost('sender');
    lab.connect(server, 'eth0', sender, 'eth0');
    server.ip([`address add ${RIP}/24 dev eth0`]);
    sender.ip([`address add ${DIRECTOR}/24 dev eth0`, `address add ${STRANGER}/24 dev eth0`]);
    await server.setSysctls({ 'net/ipv4/conf/all/rp_filter': '1', 'net/ipv4/conf/default/rp_filter': '1' });
    server.ip(['route add default via 10.3.0.1']);
  });

  after(async () => {
    await lab?.dispose();
  });

  afterEach(async () => {
    await command?.stop();
    command = undefined;
  });

  async function start(): Promise<LabProcess> {
    command = await startRealServerCommand(server, { virtualAddress: VIP, director: DIRECTOR });
    return command;
  }

  function tunnel(outerSource: string, innerSource: string, innerDestination: string, port = 5000) {
    return sender.exec(['python3', '-c', TUNNEL_SENDER, outerSource, RIP, innerSource, innerDestination, `${port}`]);
  }

  it('hands on what a director sent for a virtual address, and drops and counts the rest', async () => {
    const realServer = await start();
    const listener = server.spawn(['python3', '-c', LISTENER, '0.0.0.0', '5000']);
    await listener.line((line) => line === 'listening');
    await tunnel(STRANGER, '10.1.0.1', VIP);
    await tunnel(DIRECTOR, '10.1.0.2', RIP);
    await tunnel(DIRECTOR, '10.1.0.3', VIP);
    assert.equal(await listener.line((line) => line.startsWith('10.')), '10.1.0.3');
    await listener.stop();
    const isTold = () => Promise.resolve(realServer.stderr.includes('come from an address that is not a --director'));
    await eventually(isTold, (told) => told, 'the sentence about strangers');
    await realServer.stop();
    const stopped = JSON.parse(await lineOf(realServer, '"event":"stopped"'));
    const { received, delivered, unknownDirector, notVirtualAddress } = stopped.counters;
    assert.deepEqual(
      { received, delivered, unknownDirector, notVirtualAddress },
      { received: 3, delivered: 1, unknownDirector: 1, notVirtualAddress: 1 },
    );
  });

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`leaves the host as it was on ${signal}`, async () => {
      const before = await hostState(server);
      const realServer = await start();
      assert.notEqual(await hostState(server), before);
      assert.deepEqual(await realServer.stop(signal), { code: 0, signal: null });
      assert.equal(await hostState(server), before);
    });
  }

  it('yields to who takes its address away again and again, puts it back on SIGHUP, and ends well without it', async () => {
    const realServer = await start();
    const remove = () => server.exec(['ip', 'address', 'del', `${VIP}/32`, 'dev', 'tunvs-rs0']);
    const addresses = async () => (await server.exec(['ip', 'address', 'show', 'dev', 'tunvs-rs0'])).stdout;
    for (let times = 1; times <= 5; times++) {
      await remove();
      await eventually(addresses, (shown) => shown.includes(VIP), 'the address is back');
    }
    assert.match(await lineOf(realServer, '"event":"hostContested"'), /SIGHUP puts it back at once/);
    await remove();
    realServer.kill('SIGHUP');
    assert.deepEqual(JSON.parse(await lineOf(realServer, '"event":"mended"')), { event: 'mended', mended: 1 });
    assert.ok((await addresses()).includes(VIP));
    await remove();
    assert.deepEqual(await realServer.stop('SIGTERM'), { code: 0, signal: null });
  });

  it('says what it has counted on SIGUSR2 and SIGUSR1 and goes on, and at its end which signal it was', async () => {
    const realServer = await start();
    for (const [times, signal] of (['SIGUSR2', 'SIGUSR1'] as const).entries()) {
      realServer.kill(signal);
      await eventually(
        async () => realServer.stderr.match(/^tunvs realserver: status: received \d+, delivered \d+, /gm)?.length,
        (lines) => lines === times + 1,
        `a line of status on ${signal}`,
      );
    }
    assert.doesNotMatch(realServer.stderr, /Debugger/);
    assert.deepEqual(await realServer.stop('SIGTERM'), { code: 0, signal: null });
    const { event, reason, signal, counters } = JSON.parse(realServer.lines.at(-1) ?? '');
    assert.deepEqual([event, reason, signal, counters.received], ['stopped', 'signal', 'SIGTERM', 0]);
  });

  it('killed with SIGKILL, it leaves nothing that stops the next start', async () => {
    const realServer = await start();
    await realServer.stop('SIGKILL');
    assert.equal(await server.hasDevice('tunvs-rs0'), false);
    await start();
  });

  it('says what it would do with --dry-run, and does nothing', async () => {
    const before = await hostState(server);
    const dry = await server.exec(tunvs('realserver', '--vip', VIP, '--director', DIRECTOR, '--dry-run'));
    assert.match(dry.stdout, new RegExp(`^ip address add ${VIP}/32 dev tunvs-rs0 +# `, 'm'));
    assert.equal(await hostState(server), before);
  });

  it('warns when the default gateway is the director', async () => {
    server.ip([`route replace default via ${DIRECTOR}`]);
    const realServer = await start();
    await realServer.stop();
    server.ip(['route replace default via 10.3.0.1']);
    assert.match(realServer.stderr, /default gateway is the director 10\.3\.0\.2/);
  });

  it('refuses kernel mode, naming the mend, where the kernel has no ipip module', async function () {
    const hasModule = (await server.tryExec(['ip', 'link', 'add', 'name', 'probe0', 'type', 'ipip'])).code === 0;
    if (hasModule) {
      server.ip(['link del dev probe0']);
      this.skip();
    }
    const { code, stderr } = await server.tryExec(
      tunvs('realserver', '--vip', VIP, '--director', DIRECTOR, '--mode', 'kernel'),
    );
    assert.equal(code, 1);
    assert.match(stderr, /lacks tunnel modules: load them with "modprobe -a ipip", or choose --mode userspace/);
  });
});

function tunvs(...args: string[]): string[] {
  return [process.execPath, new URL('../../lib/cli/main.js', import.meta.url).pathname, ...args];
}

async function lineOf(child: LabProcess, text: string): Promise<string> {
  return child.line((line) => line.includes(text));
}
