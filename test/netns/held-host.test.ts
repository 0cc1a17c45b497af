/** The host's state is held: whatever somebody takes away comes back, is told, and requests go on. */
import { strict as assert } from 'node:assert';
import { Agent } from '../../lib/lab/agent.js';
import { addService, DirectorAgent } from '../support/director-agent.js';
import { eventually } from '../support/eventually.js';
import { describeLab, hostState, type LabHost, PORT, program, TestStage } from '../support/lab.js';

interface Told {
  type: string;
  value: number;
  message: string;
}

/** Keeps what the director tells; `told` takes it out. */
async function listen(director: DirectorAgent): Promise<void> {
  await director.run((d) => {
    const told: Told[] = [];
    Object.assign(globalThis, { told });
    d.on('event', ({ type, value, message }) => told.push({ type, value, message }));
    d.on('error', ({ message }) => told.push({ type: 'error', value: 0, message }));
  });
}

const told = (director: DirectorAgent): Promise<Told[]> =>
  director.run(() => (globalThis as unknown as { told: Told[] }).told.splice(0));

/** Waits until an event of this type has been told. */
async function tells(director: DirectorAgent, type: string): Promise<Told> {
  const seen: Told[] = [];
  const read = async () => {
    seen.push(...(await told(director)));
    return seen;
  };
  await eventually(read, (events) => events.some((event) => event.type === type), `${type} is told`);
  return seen.find((event) => event.type === type) as Told;
}

/** Waits until a first check has been done and nothing is under way. */
const settled = (director: DirectorAgent): Promise<number> => director.run((d) => d.mendHost());

const VIP = '10.2.0.100';
const VIP6 = '2001:db8:2::100';
const write = (value: string, path: string) => `echo ${value} > /proc/sys/net/${path}`;

/** Damages to the director's host, as commands that a shell takes. */
const damages: [what: string, command: string][] = [
  [
    'the LAN interface goes down and up',
    'ip link set eth0 down; ip link set eth0 up; ip route add default via 10.2.0.1; ' +
      'ip address add 2001:db8:2::2/64 dev eth0 nodad; ip route add default via 2001:db8:2::1',
  ],
  ['the device goes down and up', 'ip link set tunvs0 down; ip link set tunvs0 up'],
  ['the device is set down', 'ip link set tunvs0 down'],
  ['the device gets another MTU and queue', 'ip link set tunvs0 mtu 1400 txqueuelen 77'],
  ['a device of a mark is set down', 'ip link set tunvsm0 down'],
  ['its routes are flushed', 'ip route flush proto 84; ip -6 route flush proto 84'],
  ['its local routes are flushed', 'ip route flush table local proto 84'],
  ['a route is replaced by another', `ip route replace ${VIP}/32 via 10.2.0.1`],
  ['the table of a mark is flushed', 'ip route flush table 8400'],
  ['its proxy entries are deleted', `ip neigh del proxy ${VIP} dev eth0; ip neigh del proxy ${VIP6} dev eth0`],
  ['a rule of a local node is deleted', `ip rule del iif tunvs0 to ${VIP} lookup local`],
  ['the other rule of a local node is deleted', `ip rule del to ${VIP} lookup main`],
  ['a rule of an IPv6 local node is deleted', `ip -6 rule del iif tunvs0 to ${VIP6} lookup local`],
  ['rules of marks are deleted', 'ip rule del pref 85; ip rule del pref 84'],
  ['the address of an IPv6 local node is deleted', `ip -6 address del ${VIP6}/128 dev tunvs0`],
  ['forwarding is switched off', `${write('0', 'ipv4/ip_forward')}; ${write('0', 'ipv6/conf/all/forwarding')}`],
  ['the device takes no more local sources', write('0', 'ipv4/conf/tunvs0/accept_local')],
  ['early demultiplexing is switched on', write('1', 'ipv4/tcp_early_demux')],
  [
    'proxy answers are switched off',
    `${write('0', 'ipv6/conf/eth0/proxy_ndp')}; ${write('80', 'ipv4/neigh/eth0/proxy_delay')}`,
  ],
];

describeLab("a director's host that somebody else changes", () => {
  let stage: TestStage;
  let director: DirectorAgent;
  let web: Agent;
  let untouched: string;
  let setUp: string;

  before(async () => {
    stage = await TestStage.open({ topology: 'lan', ipv6: true, realServers: 1 });
    web = await Agent.connect(stage.director.node(program('web-server'), ['local', `${PORT}`]));
    untouched = await hostState(stage.director);
    const { directorAddress, directorAddress6 } = stage.topology;
    director = await DirectorAgent.open(stage.director, {
      source: [directorAddress, directorAddress6],
      egress: 'tun',
      markDevices: [{ mark: 7 }],
    });
    await listen(director);
    for (const [address, own, remote] of [
      [VIP, directorAddress, stage.servers[0]?.address],
      [VIP6, directorAddress6, stage.servers[0]?.address6],
    ] as const) {
      const servers = [{ address: own }, { address: remote ?? '' }];
      await addService(director, { address, port: PORT, scheduler: 'rr', servers });
    }
    setUp = await fullState(stage.director);
    await settled(director);
    assert.deepEqual(await told(director), []);
  });

  after(async () => {
    await web?.process.stop();
    await stage?.close();
  });

  /** Returns the state with what links have. */
  async function fullState(host: LabHost): Promise<string> {
    const links = await host.exec([
      'sh',
      '-c',
      'ip -o link show | grep tunvs | sed "s/ state .*qlen/ qlen/; s/NO-CARRIER,//"',
    ]);
    return `${links.stdout}${await hostState(host)}`;
  }

  async function serves(): Promise<void> {
    for (const address of [VIP, VIP6]) {
      const { failures, servers } = await stage.fetchMany({ address, requests: 8, concurrency: 4 });
      assert.deepEqual([failures, servers], [[], { local: 4, rs1: 4 }]);
    }
  }

  let isClosed = false;
  beforeEach(async () => {
    if (!isClosed) await told(director);
  });

  it('serves', serves);

  for (const [what, command] of damages) {
    it(`is put right when ${what}`, async () => {
      await stage.director.exec(['sh', '-c', command]);
      assert.notEqual(await fullState(stage.director), '');
      const event = await tells(director, 'hostMended');
      assert.ok(event.value > 0);
      await eventually(
        () => fullState(stage.director),
        (state) => state === setUp,
        'the host is as it was set up',
      );
      await serves();
    });
  }

  it('counts what was put back', async () => {
    assert.ok((await director.run((d) => d.stats().host?.mended ?? 0)) >= damages.length);
  });

  it('tells nothing of its own changes', async () => {
    await settled(director);
    await told(director);
    for (let round = 0; round < 20; round++) {
      await director.run((d) => {
        const service = d.addVirtualService({ protocol: 'tcp', address: '10.2.0.101', port: 80 });
        service.addRealServer({ address: '10.2.0.2' });
      });
      await director.run((d) => d.deleteVirtualService({ protocol: 'tcp', address: '10.2.0.101', port: 80 }));
    }
    assert.equal(await settled(director), 0);
    assert.deepEqual(await told(director), []);
  });

  it('goes on under the name that a device is given', async () => {
    await stage.director.exec(['sh', '-c', 'ip link set tunvs0 name lvs9 && ip link set eth0 name lan9']);
    const event = await tells(director, 'deviceRenamed');
    assert.match(event.message, /^device tunvs0 was renamed to lvs9/);
    await settled(director);
    assert.equal(await director.run((d) => d.device?.name), 'lvs9');
    await serves();
    await stage.director.exec(['sh', '-c', 'ip link set lan9 name eth0 && ip link set lvs9 name tunvs0']);
    await tells(director, 'deviceRenamed');
    await settled(director);
    await eventually(
      () => fullState(stage.director),
      (state) => state === setUp,
      'the host is as it was set up',
    );
    await serves();
  });

  it('yields to who takes the same thing away again and again, and puts it back when asked', async () => {
    const route = async () => (await stage.director.exec(['ip', 'route', 'show', VIP, 'dev', 'tunvs0'])).stdout.trim();
    await settled(director);
    await told(director);
    const seen: Told[] = [];
    for (let times = 0; times < 5; times++) {
      await stage.director.exec(['ip', 'route', 'del', VIP, 'dev', 'tunvs0']);
      await eventually(route, (shown) => shown !== '', 'the route is back');
    }
    const read = async () => seen.push(...(await told(director)));
    await eventually(read, () => seen.some(({ type }) => type === 'hostContested'), 'hostContested is told');
    const { message } = seen.find(({ type }) => type === 'hostContested') as Told;
    assert.match(message, /ip route replace 10\.2\.0\.100\/32 dev tunvs0.*unmanaged-devices=interface-name:tunvs0/);
    assert.match(message, /ManageForeignRoutes=no/);
    await stage.director.exec(['ip', 'route', 'del', VIP, 'dev', 'tunvs0']);
    // Another thing is put back meanwhile, so the missing route must have been noticed.
    await stage.director.exec(['ip', 'neigh', 'del', 'proxy', VIP, 'dev', 'eth0']);
    await tells(director, 'hostMended');
    assert.equal(await route(), '');
    assert.equal(await settled(director), 1);
    assert.notEqual(await route(), '');
    await serves();
  });

  it("says it when the virtual address becomes the host's own elsewhere", async () => {
    stage.director.ip([`address add ${VIP}/32 dev eth0`]);
    assert.match((await tells(director, 'hostConflict')).message, /ip address del 10\.2\.0\.100\/32 dev eth0/);
    stage.director.ip([`address del ${VIP}/32 dev eth0`]);
    await settled(director);
  });

  it('moves a real server whose address the host gets and loses', async () => {
    const remote = stage.servers[0]?.address ?? '';
    const forwarding = () =>
      director.run((d) => d.virtualServices[0]?.realServers.map((server) => server.forwarding).join(' '));
    assert.equal(await forwarding(), 'local ipip');
    stage.director.ip([`address add ${remote}/32 dev lo`]);
    assert.match(
      (await tells(director, 'serversMoved')).message,
      /10\.2\.0\.11:80 of .* is now an address of this host/,
    );
    assert.equal(await forwarding(), 'local local');
    stage.director.ip([`address del ${remote}/32 dev lo`]);
    await tells(director, 'serversMoved');
    assert.equal(await forwarding(), 'local ipip');
    await settled(director);
    await serves();
  });

  it('is made what it was when the director closes, and then left alone', async () => {
    await director.close();
    isClosed = true;
    await eventually(
      () => hostState(stage.director),
      (state) => state === untouched,
      'the host is as it was',
    );
  });

  it('is kept as it is wanted when a device of a mark is lost', async () => {
    const { directorAddress, virtualAddress } = stage.topology;
    const another = await DirectorAgent.open(stage.director, {
      source: directorAddress,
      egress: 'tun',
      markDevices: [{ mark: 1 }],
    });
    await listen(another);
    await addService(another, { address: virtualAddress, port: PORT, scheduler: 'rr', servers: [] });
    await settled(another);
    stage.director.ip(['link delete dev tunvsm0']);
    assert.match((await tells(another, 'error')).message, /^device 'tunvsm0' /);
    stage.director.ip([`route del ${virtualAddress}/32 dev tunvs0`]);
    await eventually(
      () => stage.director.exec(['ip', 'route', 'show', `${virtualAddress}/32`]),
      ({ stdout }) => stdout.includes('dev tunvs0'),
      'the route is back',
    );
    await another.close();
    await eventually(
      () => hostState(stage.director),
      (state) => state === untouched,
      'the host is as it was',
    );
  });

  it('has the director say that its device was moved to another network namespace', async () => {
    const { directorAddress, virtualAddress } = stage.topology;
    const another = await DirectorAgent.open(stage.director, { source: directorAddress, egress: 'tun' });
    await listen(another);
    await addService(another, { address: virtualAddress, port: PORT, scheduler: 'rr', servers: [] });
    await settled(another);
    await stage.director.exec(['ip', 'link', 'set', 'tunvs0', 'netns', stage.client.namespace]);
    assert.match((await tells(another, 'error')).message, /'tunvs0' is gone/);
    await another.kill();
  });
});
