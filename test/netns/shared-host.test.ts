/** Several directors and real servers share one host: none takes away what another needs. */
import { guardiansOf } from '../support/guardians.js';
import { strict as assert } from 'node:assert';
import { readdirSync, readlinkSync } from 'node:fs';
import { Agent } from '../../lib/lab/agent.js';
import { describeLab, hostState, Lab, type LabHost } from '../support/lab.js';
import { eventuallyHolds as eventually } from '../support/eventually.js';

const PROGRAM = new URL('../support/programs/host-holder.js', import.meta.url);

/** Holders in one process of the host, by name. */
class Holders {
  constructor(readonly agent: Agent) {}

  static async start(host: LabHost, environment: Record<string, string> = {}): Promise<Holders> {
    const argv = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
    return new Holders(await Agent.connect(host.spawn(['env', ...argv, process.execPath, PROGRAM.pathname])));
  }

  director(name: string, options: object, services: readonly string[]): Promise<string[]> {
    return this.agent.call('director', { name, options, services });
  }

  realServer(name: string, options: object): Promise<string[]> {
    return this.agent.call('realServer', { name, options });
  }

  close(name: string): Promise<void> {
    return this.agent.call('close', { name });
  }

  async kill(): Promise<void> {
    await this.agent.process.stop('SIGKILL');
  }
}

/** Returns the target of a descriptor; descriptors of the reading itself are closed by now. */
function targetOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch (error) {
    return String(error);
  }
}

const A = { source: '10.2.0.2', device: { name: 'tunvsa', queues: 1 } };
const B = { source: '10.2.0.2', device: { name: 'tunvsb', queues: 1 } };
const VIPS_A = ['10.2.0.100', '2001:db8:2::100', '10.9.9.8'];
const VIPS_B = ['10.2.0.101', '2001:db8:2::101', '10.9.9.9'];
const WHAT_DIRECTORS_SHARE = {
  'net/ipv4/ip_forward': '1',
  'net/ipv6/conf/all/forwarding': '1',
  'net/ipv6/conf/eth0/proxy_ndp': '1',
  'net/ipv6/conf/eth0/accept_ra': '2',
  'net/ipv4/neigh/eth0/proxy_delay': '0',
  'net/ipv6/neigh/eth0/proxy_delay': '0',
};

describeLab('directors and real servers of one host', () => {
  let lab: Lab;
  let host: LabHost;
  let untouched: string;
  let running: Holders[] = [];

  async function withLan(name: string): Promise<LabHost> {
    const made = await lab.addHost(name, { ipv6: true });
    made.ip([
      'link add name eth0 type veth peer name unplugged',
      'link set dev eth0 up',
      'link set dev unplugged up',
      'address add 10.2.0.2/24 dev eth0',
      'address add 2001:db8:2::2/64 dev eth0 nodad',
    ]);
    await made.setSysctls({
      'net/ipv4/ip_forward': '0',
      'net/ipv6/conf/all/forwarding': '0',
      // One interface forwarded before.
      'net/ipv6/conf/unplugged/forwarding': '1',
      'net/ipv6/conf/eth0/accept_ra': '1',
    });
    return made;
  }

  before(async () => {
    lab = Lab.create();
    host = await withLan('host');
    untouched = await hostState(host);
  });

  after(async () => {
    await lab?.dispose();
  });

  afterEach(async () => {
    await Promise.all(running.map((holders) => holders.kill()));
    running = [];
    await assertUntouched();
  });

  async function start(environment?: Record<string, string>, on = host): Promise<Holders> {
    const holders = await Holders.start(on, environment);
    running.push(holders);
    return holders;
  }

  /** Waits until the host is as before, which it is at once or when a guardian has done its work. */
  async function assertUntouched(): Promise<void> {
    await eventually(async () => assert.equal(await hostState(host), untouched));
  }

  async function assertServes(vips: readonly string[], device: string): Promise<void> {
    for (const [path, value] of Object.entries(WHAT_DIRECTORS_SHARE))
      assert.equal(await host.sysctl(path), value, path);
    const state = await hostState(host);
    for (const vip of vips) {
      assert.match(state, new RegExp(`^${vip} dev ${device} proto 84 `, 'm'));
      if (!vip.startsWith('10.9')) assert.match(state, new RegExp(`^${vip} dev eth0 proxy proto 84`, 'm'));
    }
  }

  const places = [
    { where: 'one process', two: async () => Array(2).fill(await start()) as [Holders, Holders] },
    { where: 'two processes', two: async () => [await start(), await start()] as [Holders, Holders] },
  ];
  for (const { where, two } of places) {
    for (const first of ['a', 'b'] as const) {
      it(`leaves the other director of ${where} what it needs, ${first} closing first`, async () => {
        const [one, other] = await two();
        assert.deepEqual(await one.director('a', A, VIPS_A), []);
        assert.deepEqual(await other.director('b', B, VIPS_B), []);
        if (first === 'a') {
          await one.close('a');
          await assertServes(VIPS_B, 'tunvsb');
          await other.close('b');
        } else {
          await other.close('b');
          await assertServes(VIPS_A, 'tunvsa');
          await one.close('a');
        }
        assert.equal(await hostState(host), untouched);
      });
    }
  }

  it('does not count a killed director, and takes away what it left when the other closes or another starts', async () => {
    const environment = { TUNVS_GUARDIAN: 'off' };
    const killed = await start(environment);
    const other = await start(environment);
    await killed.director('a', A, VIPS_A);
    await other.director('b', B, VIPS_B);
    await killed.kill();
    await assertServes(VIPS_B, 'tunvsb');
    assert.match(await hostState(host), /^2001:db8:2::100 dev eth0 proxy/m);

    const third = await start(environment);
    await third.director('c', { ...A, device: { name: 'tunvsc', queues: 1 } }, ['10.9.9.7']);
    const state = await hostState(host);
    assert.doesNotMatch(state, /::100|10\.2\.0\.100|10\.9\.9\.8/);
    await assertServes(VIPS_B, 'tunvsb');
    await other.close('b');
    assert.equal(await host.sysctl('net/ipv4/ip_forward'), '1');
    await third.close('c');
    assert.equal(await hostState(host), untouched);
  });

  it('takes over what a killed director left, and restores what was before that one', async () => {
    const environment = { TUNVS_GUARDIAN: 'off' };
    const killed = await start(environment);
    await killed.director('a', A, VIPS_A);
    await killed.kill();
    assert.equal(await host.sysctl('net/ipv4/ip_forward'), '1');
    const again = await start(environment);
    assert.deepEqual(await again.director('a', A, VIPS_A), []);
    await assertServes(VIPS_A, 'tunvsa');
    await again.close('a');
    assert.equal(await hostState(host), untouched);
  });

  it('has a guardian that takes back what a killed director left, and what another needs stays', async () => {
    const killed = await start();
    const other = await start();
    await killed.director('a', A, VIPS_A);
    await other.director('b', B, VIPS_B);
    await killed.kill();
    await eventually(async () => assert.doesNotMatch(await hostState(host), /2001:db8:2::100 dev eth0 proxy/));
    await assertServes(VIPS_B, 'tunvsb');
    await other.close('b');
    await assertUntouched();
  });

  it('keeps the unreachable route of a killed director for as long as the host forwards', async () => {
    const killed = await start();
    await host.setSysctls({ 'net/ipv4/ip_forward': '1' });
    await killed.director('a', A, ['10.9.9.9', '2001:db8:9::9', '2001:db8:2::100']);
    await killed.kill();
    await eventually(async () => assert.equal(await host.sysctl('net/ipv6/conf/all/forwarding'), '0'));
    await eventually(async () => assert.doesNotMatch(await hostState(host), /2001:db8:(9|2::100)/));
    assert.match(await hostState(host), /^unreachable 10\.9\.9\.9 proto 84 metric 4294967295/m);
    const again = await start();
    await again.director('b', B, []);
    assert.doesNotMatch(await hostState(host), /unreachable 10\.9\.9\.9/);
    await again.close('b');
    await host.setSysctls({ 'net/ipv4/ip_forward': '0', 'net/ipv6/conf/unplugged/forwarding': '1' });
  });

  it('gives a guardian no descriptor of its holder, and ends it with the holder', async () => {
    const holders = await start();
    await holders.director('a', A, VIPS_A);
    const [pid, ...others] = await guardiansOf(host);
    assert.ok(pid !== undefined && others.length === 0);
    // Every program below this test inherits what the test itself was started with.
    const given = new Set(readdirSync('/proc/self/fd').map((name) => targetOf(`/proc/self/fd/${name}`)));
    const open = readdirSync(`/proc/${pid}/fd`).map((name) => targetOf(`/proc/${pid}/fd/${name}`));
    const own = open.filter((target) => target !== '/dev/null' && !given.has(target));
    assert.equal(own.length, 1, open.join('\n'));
    assert.match(own[0] ?? '', /^(socket|pipe):/);
    await holders.close('a');
    await eventually(async () => assert.deepEqual(await guardiansOf(host), []));
  });

  it('leaves a value that somebody else has written since', async () => {
    const holders = await start();
    await holders.director('a', A, []);
    await host.setSysctls({ 'net/ipv4/ip_forward': '0' });
    const other = await start();
    await other.director('b', B, []);
    assert.equal(await host.sysctl('net/ipv4/ip_forward'), '1');
    await holders.close('a');
    assert.equal(await host.sysctl('net/ipv4/ip_forward'), '1');
    await other.close('b');
    assert.equal(await host.sysctl('net/ipv4/ip_forward'), '0');
  });

  it('does not count those of other network namespaces', async () => {
    const elsewhere = await withLan('elsewhere');
    const [here, there] = [await start(), await start({}, elsewhere)];
    await here.director('a', A, VIPS_A);
    await there.director('a', A, VIPS_A);
    await here.close('a');
    assert.equal(await hostState(host), untouched);
    assert.equal(await elsewhere.sysctl('net/ipv4/ip_forward'), '1');
    await there.close('a');
    assert.equal(await elsewhere.sysctl('net/ipv4/ip_forward'), '0');
  });

  it('keeps a proxy entry that a range of another director needs', async () => {
    const holders = await start();
    await holders.director('a', A, ['10.2.0.100']);
    await holders.director('b', B, ['10.2.0.96/28']);
    await holders.close('a');
    assert.match(await hostState(host), /^10\.2\.0\.100 dev eth0 proxy proto 84/m);
    await holders.close('b');
  });

  const direct = { virtualAddresses: ['10.2.0.100', '2001:db8:2::100'], directors: ['10.2.0.9'], forwarding: 'dr' };
  for (const { where, two } of places) {
    for (const [first, second] of [
      ['a', 'b'],
      ['b', 'a'],
    ] as const) {
      it(`leaves the other real server of ${where} its address and its silence, ${first} closing first`, async () => {
        const [one, other] = await two();
        const of = { a: one, b: other };
        await one.realServer('a', direct);
        await other.realServer('b', direct);
        await of[first].close(first);
        assert.equal(await host.sysctl('net/ipv4/conf/eth0/arp_ignore'), '1');
        assert.equal(await host.sysctl('net/ipv4/conf/eth0/arp_announce'), '2');
        assert.match(await hostState(host), /inet 10\.2\.0\.100\/32 scope global lo/);
        assert.match(await hostState(host), /inet6 2001:db8:2::100\/128/);
        await of[second].close(second);
        assert.equal(await hostState(host), untouched);
      });
    }
  }

  it("leaves an address that was the host's before to the host", async () => {
    host.ip(['address add 10.2.0.100/32 dev lo']);
    const holders = await start();
    await holders.realServer('a', direct);
    await holders.realServer('b', direct);
    await holders.close('a');
    await holders.close('b');
    assert.match(await hostState(host), /inet 10\.2\.0\.100\/32 scope global lo/);
    host.ip(['address del 10.2.0.100/32 dev lo']);
  });

  it('gives a device that was there before back as it was, killed or closed', async () => {
    host.ip(['tuntap add dev own mode tun multi_queue', 'link set dev own mtu 1400 txqueuelen 77']);
    const link = async () => {
      const { stdout } = await host.exec(['ip', '-d', 'link', 'show', 'dev', 'own']);
      const name = 'net/ipv4/conf/own';
      const sysctls = [await host.sysctl(`${name}/accept_local`), await host.sysctl(`${name}/rp_filter`)];
      return `${stdout
        .replace(/^\d+:/, '')
        .replace(/state \w+/, '')
        .replace(/qdisc \w+/, '')} ${sysctls}`;
    };
    const before = await link();
    const options = { ...A, device: { name: 'own', queues: 1 }, setUpHost: true };
    const closed = await start();
    await closed.director('a', options, []);
    assert.match(await link(), /UP.* mtu 1480 .* qlen 4096/s);
    await closed.close('a');
    assert.equal(await link(), before);
    const killed = await start();
    await killed.director('a', options, []);
    await killed.kill();
    // Who opens a device says whether headers stand in front of its packets, and nobody has opened it since.
    const mended = async () => (await link()).replace('vnet_hdr on', 'vnet_hdr off');
    await eventually(async () => assert.equal(await mended(), before));
    host.ip(['link del dev own']);
  });

  it('knows a device by its name, not by the labels of its addresses', async () => {
    host.ip(['address add 10.2.7.1/24 dev eth0 label eth0:0']);
    const holders = await start();
    await holders.realServer('a', { ...direct, virtualAddresses: '10.2.7.100', directors: ['10.2.7.9'] });
    assert.equal(await host.sysctl('net/ipv4/conf/eth0/arp_ignore'), '1');
    await holders.close('a');
    host.ip(['address del 10.2.7.1/24 dev eth0']);
  });

  describe('in a container whose /proc/sys is read-only', () => {
    /** A process that sees it so, in the network of the host. */
    async function contained(): Promise<Holders> {
      const readOnly = 'mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys && exec "$@"';
      const argv = ['unshare', '-m', 'sh', '-c', readOnly, 'sh', process.execPath, PROGRAM.pathname];
      const holders = new Holders(await Agent.connect(host.spawn(argv)));
      running.push(holders);
      return holders;
    }

    it('names what the container is to be started with', async () => {
      const holders = await contained();
      await assert.rejects(holders.director('a', { ...A, egress: 'tun' }, []), (error: Error) => {
        assert.match(error.message, /start the container with "[^"]*--sysctl net\.ipv4\.conf\.default\.accept_local=1/);
        assert.match(error.message, /--sysctl net\.ipv4\.ip_forward=1/);
        assert.doesNotMatch(error.message, /conf\.tunvsa/);
        return true;
      });
    });

    it('takes what is right already', async () => {
      await host.setSysctls({ 'net/ipv4/conf/default/accept_local': '1', 'net/ipv4/ip_forward': '1' });
      const holders = await contained();
      await holders.director('a', A, ['10.9.9.9']);
      await holders.close('a');
      await host.setSysctls({
        'net/ipv4/conf/default/accept_local': '0',
        'net/ipv4/ip_forward': '0',
        'net/ipv6/conf/unplugged/forwarding': '1',
      });
    });
  });

  it('says that it counts in one process alone where it cannot write, and goes on', async () => {
    const holders = await start({ TUNVS_RUNTIME_DIR: '/proc/nothing' });
    const warnings = await holders.director('a', A, ['10.9.9.9']);
    assert.match(warnings.join('\n'), /^\/proc\/nothing cannot be used .* TUNVS_RUNTIME_DIR$/);
    await holders.director('b', B, []);
    await holders.close('a');
    assert.equal(await host.sysctl('net/ipv4/ip_forward'), '1');
    await holders.close('b');
  });
});
