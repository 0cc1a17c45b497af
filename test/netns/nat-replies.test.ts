/** What real servers of LVS/NAT send gets into the director's device, once, and nothing else does. */
import { strict as assert } from 'node:assert';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent } from '../../lib/lab/agent.js';
import type { NatServer } from '../../lib/host/nat/nat-server.js';
import { startCapture } from '../support/capture.js';
import { eventually } from '../support/eventually.js';
import { guardiansOf } from '../support/guardians.js';
import { describeLab, hostState, Lab, type LabHost } from '../support/lab.js';
import { icmp, tcp, toHex, udp } from '../support/packets.js';
import { type MirroredPacket, TunMirror } from '../support/tun-mirror.js';

const AGENT = new URL('../support/programs/nat-routing-agent.js', import.meta.url);

const CLIENT = '10.9.0.5';
const CLIENT6 = '2001:db8:9::5';
const SERVER = '10.0.0.11';
const SERVER6 = '2001:db8:1::11';
const BEHIND_ROUTER = '10.77.0.1';
const ALL: readonly NatServer[] = [
  { address: SERVER, protocols: ['tcp'], port: 8080 },
  { address: SERVER, protocols: ['udp'], port: 53 },
  { address: SERVER6, protocols: ['tcp'], port: 8080 },
  { address: SERVER6, protocols: ['udp'], port: 53 },
];

/** Sends packets as they are. */
const SEND = `
import socket, sys
for line in sys.stdin:
    packet = bytes.fromhex(line)
    if packet[0] >> 4 == 4:
        sender = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        sender.sendto(packet, (socket.inet_ntop(socket.AF_INET, packet[16:20]), 0))
    else:
        sender = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
        sender.sendto(packet, (socket.inet_ntop(socket.AF_INET6, packet[24:40]), 0))
`;

const at = (address: string, port: number) => (address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`);
/** Nobody has this address, so nobody answers. */
const NOBODY = '10.9.0.200';

const DIRECTOR = ['10.0.0.1', '10.9.0.1', '2001:db8:1::1', '2001:db8:9::1'];

/** The device itself joins multicast groups, and the director's host tells servers that nobody has NOBODY's address. */
const isFromElsewhere = ({ source, destination }: MirroredPacket) =>
  destination !== 'ff02::16' && !DIRECTOR.includes(source);

describeLab('replies of NAT servers', () => {
  let lab: Lab;
  let client: LabHost;
  let director: LabHost;
  let server: LabHost;
  let mirror: TunMirror;
  let untouched: string;
  let agents: Agent[] = [];

  before(async () => {
    lab = Lab.create();
    client = await lab.addHost('client', { ipv6: true });
    director = await lab.addHost('director', { ipv6: true });
    server = await lab.addHost('server', { ipv6: true });
    lab.connect(director, 'eth0', client, 'eth0');
    lab.connect(director, 'eth1', server, 'eth0');
    director.ip([
      'address add 10.9.0.1/24 dev eth0',
      'address add 10.0.0.1/24 dev eth1',
      'address add 2001:db8:9::1/64 dev eth0 nodad',
      'address add 2001:db8:1::1/64 dev eth1 nodad',
    ]);
    client.ip([
      `address add ${CLIENT}/24 dev eth0`,
      `address add ${CLIENT6}/64 dev eth0 nodad`,
      'route add default via 10.9.0.1',
      'route add default via 2001:db8:9::1',
    ]);
    server.ip([
      `address add ${SERVER}/24 dev eth0`,
      `address add ${SERVER6}/64 dev eth0 nodad`,
      'route add default via 10.0.0.1',
      'route add default via 2001:db8:1::1',
    ]);
    await director.setSysctls({
      'net/ipv4/ip_forward': '1',
      'net/ipv6/conf/all/forwarding': '1',
      'net/ipv4/conf/all/rp_filter': '0',
      'net/ipv4/conf/eth1/send_redirects': '1',
      'net/ipv4/conf/all/send_redirects': '1',
    });
    mirror = await TunMirror.open(director, 'tunvs0');
    // What the device itself has goes with it.
    director.ip(['link set tunvs0 addrgenmode none']);
    untouched = await withoutDevices();
  });

  after(async () => {
    await lab?.dispose();
  });

  afterEach(async () => {
    for (const agent of agents.splice(0)) if (agent.process.exit === undefined) await agent.process.stop('SIGKILL');
    await eventually(withoutDevices, (state) => state === untouched, 'the host is as it was');
  });

  /** The state, but for what a device of ours keeps once it has been up. */
  async function withoutDevices(): Promise<string> {
    const state = await hostState(director);
    return state
      .split('\n')
      .filter((line) => !/tunvs|unreachable .* metric 4294967295|qlen|inet6 fe80/.test(line))
      .join('\n');
  }

  async function hold(
    servers: readonly NatServer[],
    device = 'tunvs0',
    environment: NodeJS.ProcessEnv = {},
  ): Promise<Agent> {
    const agent = await Agent.connect(director.spawn([process.execPath, AGENT.pathname], environment));
    agents.push(agent);
    assert.deepEqual(await agent.call('open', { device, sources: ['10.0.0.1', '2001:db8:1::1'] }), []);
    await agent.call('setNatServers', { servers });
    return agent;
  }

  async function close(agent: Agent): Promise<void> {
    assert.deepEqual(await agent.call('close'), []);
    agents = agents.filter((each) => each !== agent);
    await agent.process.stop();
  }

  /** Sends packets and returns those that came out of the device before the last of them, which always does. */
  async function sent(packets: readonly Uint8Array[], from = server, by = mirror): Promise<MirroredPacket[]> {
    by.take();
    const marker = udp({ from: at(SERVER, 53), to: at(NOBODY, 9999) });
    if (packets.length > 0) await from.exec(['python3', '-c', SEND], { input: `${packets.map(toHex).join('\n')}\n` });
    await server.exec(['python3', '-c', SEND], { input: `${toHex(marker)}\n` });
    const seen: MirroredPacket[] = [];
    await eventually(
      async () => {
        seen.push(...by.take().filter(isFromElsewhere));
        return seen;
      },
      (all) => all.some(({ destination }) => destination === NOBODY),
      'the marker comes out',
    );
    return seen.slice(
      0,
      seen.findIndex(({ destination }) => destination === NOBODY),
    );
  }

  const reply = (source: string, destination: string, protocol: number, port: number) => ({
    ...{ source, destination, protocol, isFragment: false, port },
  });

  it("come out of the device, once each, and the servers' other traffic does not", async () => {
    const agent = await hold(ALL);
    const packets = [
      [SERVER, CLIENT],
      [SERVER6, CLIENT6],
    ].flatMap(([from = '', to = '']) => [
      tcp({ from: at(from, 8080), to: at(to, 40000), flags: 'A' }),
      tcp({ from: at(from, 8081), to: at(to, 40000), flags: 'A' }),
      udp({ from: at(from, 8080), to: at(to, 40000) }),
      tcp({ from: at(from, 53), to: at(to, 40000), flags: 'A' }),
      tcp({ from: at(from, 40000), to: at(to, 8080), flags: 'A' }),
    ]);
    const capture = await startCapture(client, 'eth0');
    assert.deepEqual(await sent(packets), [reply(SERVER, CLIENT, 6, 8080), reply(SERVER6, CLIENT6, 6, 8080)]);
    const flows = await capture.stop();
    // All were delivered, whether they came by the device or not, and none twice.
    const delivered = flows.filter(({ source }) => source === SERVER || source === SERVER6);
    const count = (protocol: number) =>
      delivered.filter((flow) => flow.protocol === protocol).reduce((sum, { packets: some }) => sum + some, 0);
    assert.deepEqual([count(6), count(17)], [8, 2]);
    await close(agent);
  });

  it('come out in fragments as well, which show no port', async () => {
    const agent = await hold(ALL);
    const pieces = [
      [SERVER, CLIENT],
      [SERVER6, CLIENT6],
    ].flatMap(([from = '', to = '']) => [
      udp({ from: at(from, 53), to: at(to, 40000), payload: 'x'.repeat(24), df: false, mf: true }),
      udp({ from: at(from, 53), to: at(to, 40000), payload: 'x'.repeat(24), df: false, fragmentOffset: 32 }),
    ]);
    const seen = await sent(pieces);
    assert.deepEqual(
      seen.map(({ source, isFragment }) => [source, isFragment]),
      [SERVER, SERVER, SERVER6, SERVER6].map((source) => [source, true]),
    );
    await close(agent);
  });

  it('come out from every port where a server has all of them', async () => {
    const agent = await hold([
      { address: SERVER, protocols: ['tcp'], port: 21, isFtp: true },
      { address: SERVER, protocols: ['udp'], port: 53 },
    ]);
    const seen = await sent([
      tcp({ from: at(SERVER, 50000), to: at(CLIENT, 40000) }),
      udp({ from: at(SERVER, 50000), to: at(CLIENT, 40000) }),
    ]);
    assert.deepEqual(seen, [reply(SERVER, CLIENT, 6, 50000)]);
    await close(agent);
  });

  it('come with ICMP of their side, but not with that for the director, nor with that of other sides', async () => {
    const agent = await hold(ALL);
    const quoted = tcp({ from: at(CLIENT, 40000), to: at(SERVER, 8080) }).slice(0, 28);
    const quoted6 = tcp({ from: at(CLIENT6, 40000), to: at(SERVER6, 8080) }).slice(0, 48);
    const error = (from: string, to: string) => icmp({ from, to, type: 3, code: 4, rest: 1400, payload: quoted });
    const error6 = (from: string, to: string) => icmp({ from, to, type: 2, rest: 1400, payload: quoted6 });
    const seen = await sent([
      error(SERVER, CLIENT),
      // A router before the server.
      error('10.0.0.254', CLIENT),
      error(SERVER, '10.0.0.1'),
      error6(SERVER6, CLIENT6),
      error6(SERVER6, '2001:db8:1::1'),
    ]);
    assert.deepEqual(
      seen.map(({ source, destination, protocol }) => [source, destination, protocol]),
      [
        [SERVER, CLIENT, 1],
        ['10.0.0.254', CLIENT, 1],
        [SERVER6, CLIENT6, 58],
      ],
    );
    assert.deepEqual(await sent([error(CLIENT, SERVER)], client), []);
    await close(agent);
  });

  it('leave neighbour discovery to the host', async () => {
    const agent = await hold(ALL);
    for (const host of [director, server]) await host.exec(['ip', '-6', 'neigh', 'flush', 'all']);
    // Multicast and unicast solicitations, from both sides, and their advertisements.
    const ask = `
import socket, sys
asking = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
asking.settimeout(10)
asking.sendto(bytes([128, 0, 0, 0, 0, 7, 0, 1]), (sys.argv[1], 0))
while asking.recv(99)[0] != 129: pass
`;
    mirror.take();
    await server.exec(['python3', '-c', ask, '2001:db8:1::1']);
    await server.exec(['ip', '-6', 'neigh', 'flush', 'all']);
    await director.exec(['python3', '-c', ask, SERVER6]);
    assert.deepEqual(await sent([]), []);
    await close(agent);
  });

  it('are let through by rp_filter, as are client packets that the director writes', async () => {
    await director.setSysctls({ 'net/ipv4/conf/all/rp_filter': '1' });
    const agent = await hold(ALL);
    try {
      assert.deepEqual(await sent([tcp({ from: at(SERVER, 8080), to: at(CLIENT, 40000), flags: 'A' })]), [
        reply(SERVER, CLIENT, 6, 8080),
      ]);
      const capture = await startCapture(server, 'eth0');
      mirror.write(tcp({ from: at(CLIENT, 40000), to: at(SERVER, 8080) }));
      mirror.write(tcp({ from: at('198.51.100.7', 40000), to: at(SERVER, 8080) }));
      // Its turn comes after theirs.
      await sent([]);
      const flows = await capture.stop();
      const clients = flows.filter(({ destination, protocol }) => destination === SERVER && protocol === 6);
      // The filter asks for the way of the answer, which is the device, whatever else the host knows of the client.
      assert.deepEqual(clients.map(({ source }) => source).sort(), [CLIENT, '198.51.100.7']);
      // What docs/host.md says of clients that pass over the virtual address.
      const strict = await startCapture(server, 'eth0');
      const direct = [8080, 8081].map((port) => tcp({ from: at(CLIENT, 40001), to: at(SERVER, port) }));
      await client.exec(['python3', '-c', SEND], { input: `${direct.map(toHex).join('\n')}\n` });
      await sent([]);
      const passed = (await strict.stop()).filter(({ direction, source }) => direction === 'in' && source === CLIENT);
      assert.equal(
        passed.reduce((sum, { packets }) => sum + packets, 0),
        1,
      );
    } finally {
      await close(agent);
      await director.setSysctls({ 'net/ipv4/conf/all/rp_filter': '0' });
    }
  });

  it('have servers told of no way around the director', async () => {
    const agent = await hold(ALL);
    const values = () =>
      Promise.all(['all', 'eth1'].map((name) => director.sysctl(`net/ipv4/conf/${name}/send_redirects`)));
    assert.deepEqual(await values(), ['0', '0']);
    await agent.call('setNatServers', { servers: [] });
    assert.deepEqual(await values(), ['1', '1']);
    await close(agent);
  });

  it('keep coming when somebody changes the host', async () => {
    const agent = await hold(ALL);
    const setUp = await hostState(director);
    const damages = [
      'ip rule del pref 20 iif tunvs0',
      'ip rule del pref 22; ip -6 rule del pref 22',
      'ip rule del pref 24; ip -6 rule del pref 26',
      'ip rule del pref 27; ip -6 rule del pref 27',
      'ip route flush table 8500; ip -6 route flush table 8500',
      'echo 1 > /proc/sys/net/ipv4/conf/eth1/send_redirects',
      'ip link set tunvs0 down; ip link set tunvs0 up',
    ];
    for (const damage of damages) {
      await director.exec(['sh', '-c', damage]);
      await eventually(
        () => hostState(director),
        (state) => state === setUp,
        damage,
      );
      const told = await eventually(
        () => agent.call<string[]>('look'),
        (all) => all.length > 0,
        `${damage} is told`,
      );
      assert.ok(
        told.some((said) => said.startsWith('hostMended: ')),
        told.join('\n'),
      );
    }
    assert.deepEqual(await sent([tcp({ from: at(SERVER, 8080), to: at(CLIENT, 40000), flags: 'A' })]), [
      reply(SERVER, CLIENT, 6, 8080),
    ]);
    await close(agent);
  });

  it('are dropped, not sent as they are, while the device is down', async () => {
    const agent = await hold(ALL);
    const capture = await startCapture(client, 'eth0');
    // Without its holder nobody sets the device up again.
    agent.process.kill('SIGSTOP');
    director.ip(['link set tunvs0 down']);
    const packet = tcp({ from: at(SERVER, 8080), to: at(CLIENT, 40000), flags: 'A' });
    const other = tcp({ from: at(SERVER, 8081), to: at(CLIENT, 40000), flags: 'A' });
    await server.exec(['python3', '-c', SEND], { input: `${toHex(packet)}\n${toHex(other)}\n` });
    await server.exec(['sleep', '0.2']);
    const flows = await capture.stop();
    const delivered = flows.filter(({ source, protocol }) => source === SERVER && protocol === 6);
    assert.equal(
      delivered.reduce((sum, { packets }) => sum + packets, 0),
      1,
    );
    agent.process.kill('SIGCONT');
    await close(agent);
  });

  it('follow devices that get other names', async () => {
    const agent = await hold(ALL);
    await director.exec(['sh', '-c', 'ip link set eth1 down; ip link set eth1 name lan0; ip link set lan0 up']);
    director.ip(['address replace 2001:db8:1::1/64 dev lan0 nodad']);
    await director.exec(['sh', '-c', 'ip link set tunvs0 down; ip link set tunvs0 name lvs0; ip link set lvs0 up']);
    const rules = async () => (await director.exec(['sh', '-c', 'ip rule; ip -6 rule'])).stdout;
    await eventually(
      rules,
      (all) => /iif lvs0 goto/.test(all) && /iif lan0 ipproto/.test(all) && !/detached/.test(all),
      'the rules name the devices',
    );
    const error = icmp({ from: SERVER, to: CLIENT, type: 3, code: 1 });
    await eventually(
      () => sent([error, tcp({ from: at(SERVER, 8080), to: at(CLIENT, 40000), flags: 'A' })]),
      (seen) => seen.length === 2,
      'replies and errors come out',
    );
    await close(agent);
    await director.exec(['sh', '-c', 'ip link set lan0 down; ip link set lan0 name eth1; ip link set eth1 up']);
    await director.exec(['sh', '-c', 'ip link set lvs0 down; ip link set lvs0 name tunvs0']);
    director.ip(['address replace 2001:db8:1::1/64 dev eth1 nodad']);
  });

  it('are seen by each director of a host once, and one that ends takes nothing from the other', async () => {
    const other = await TunMirror.open(director, 'tunvs1');
    director.ip(['link set tunvs1 addrgenmode none']);
    const first = await hold(ALL);
    const second = await hold(
      [{ address: SERVER, protocols: ['tcp', 'udp'], port: 53 }, ALL[0] as NatServer],
      'tunvs1',
    );
    const packets = [
      tcp({ from: at(SERVER, 8080), to: at(CLIENT, 40000), flags: 'A' }),
      tcp({ from: at(SERVER, 53), to: at(CLIENT, 40000), flags: 'A' }),
      icmp({ from: SERVER, to: CLIENT, type: 3, code: 1 }),
    ];
    const shown = (seen: MirroredPacket[]) => seen.map(({ protocol, port = 0 }) => `${protocol} ${port}`).sort();
    assert.deepEqual(shown(await sent(packets, server, other)), ['1 0', '6 53', '6 8080']);
    // The marker is among them, since both directors have its server.
    assert.deepEqual(shown(mirror.take().filter(isFromElsewhere)), ['1 0', '17 53', '6 8080']);
    await close(first);
    assert.deepEqual(shown(await sent(packets, server, other)), ['1 0', '6 53', '6 8080']);
    assert.equal(await director.sysctl('net/ipv4/conf/eth1/send_redirects'), '0');
    await close(second);
    await other.close();
  });

  it('leave nothing behind when the process is killed', async () => {
    const agent = await hold([...ALL, { address: BEHIND_ROUTER, protocols: ['sctp'], port: 0 }]);
    assert.match(await hostState(director), /from 10\.77\.0\.1 ipproto sctp lookup 8500 proto 84/);
    assert.equal((await guardiansOf(director)).length, 1);
    await agent.process.stop('SIGKILL');
    await eventually(
      () => guardiansOf(director),
      (pids) => pids.length === 0,
      'the guardian is done',
    );
  });

  it('are brought in again over what a killed process without guardian has left', async () => {
    // The two have no books in common, as in a container whose /run is gone.
    const folder = await mkdtemp(join(tmpdir(), 'tunvs-books-'));
    const agent = await hold(ALL, 'tunvs0', { TUNVS_RUNTIME_DIR: join(folder, 'a'), TUNVS_GUARDIAN: 'off' });
    const setUp = await hostState(director);
    await agent.process.stop('SIGKILL');
    const again = await hold(ALL, 'tunvs0', { TUNVS_RUNTIME_DIR: join(folder, 'b') });
    assert.equal(await hostState(director), setUp);
    await close(again);
    // Nobody knows what a sysctl was before.
    await director.setSysctls({
      'net/ipv4/conf/eth1/send_redirects': '1',
      'net/ipv4/conf/all/send_redirects': '1',
    });
    await rm(folder, { recursive: true });
  });

  it("come to the director's own addresses with full NAT", async () => {
    const agent = await hold([]);
    await agent.call('setNatSources', { sources: ['10.0.0.64/30', '2001:db8:1::64'] });
    const state = await hostState(director);
    assert.match(state, /^10\.0\.0\.64\/30 dev tunvs0 proto 84/m);
    assert.match(state, /^2001:db8:1::64 dev tunvs0 proto 84/m);
    assert.match(state, /^10\.0\.0\.67 dev eth1 proxy proto 84/m);
    const seen = await eventually(
      async () => {
        // There is no rule that would bring in the marker.
        await server.exec(['python3', '-c', SEND], {
          input: `${toHex(tcp({ from: at(SERVER, 8080), to: at('10.0.0.66', 40000), flags: 'A' }))}\n`,
        });
        return mirror.take();
      },
      (all) => all.some(({ destination }) => destination === '10.0.0.66'),
      'the reply comes out',
    );
    assert.ok(seen.some(({ destination, port }) => destination === '10.0.0.66' && port === 8080));
    await agent.call('setNatSources', { sources: [] });
    assert.doesNotMatch(await hostState(director), /tunvs0 proto 84|proxy proto 84/);
    await close(agent);
  });
});
