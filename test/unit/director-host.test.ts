import { strict as assert } from 'node:assert';
import { DirectorHost, type DirectorHostOptions } from '../../lib/host/director-host.js';
import { formatHostCommand, type HostStep } from '../../lib/host/step.js';
import { FakeHost } from '../support/fake-host.js';

const LAN = { interfaceName: 'eth0', address: '10.2.0.2', prefixLength: 24 };

const LAN6 = { interfaceName: 'eth0', address: '2001:db8:2::2', prefixLength: 64 };
const IPV6: Record<string, string> = {
  'net/ipv6/conf/all/disable_ipv6': '0',
  'net/ipv6/conf/default/disable_ipv6': '1',
  'net/ipv6/conf/all/forwarding': '0',
  'net/ipv6/conf/default/forwarding': '1',
  'net/ipv6/conf/eth0/accept_ra': '1',
  'net/ipv6/conf/eth0/proxy_ndp': '0',
  'net/ipv6/neigh/eth0/proxy_delay': '80',
};

const commands = (steps: readonly HostStep[]) => steps.map(({ command }) => formatHostCommand(command));

function directorHost(host: FakeHost, options: Partial<DirectorHostOptions> = {}): DirectorHost {
  return new DirectorHost({ sources: ['10.2.0.2'], host, ...options });
}

describe('DirectorHost', () => {
  it('plans the device, forwarding and a route per virtual address', () => {
    const host = new FakeHost({ sysctls: { 'net/ipv4/conf/all/rp_filter': '0' }, addresses: [LAN] });
    assert.deepEqual(commands(directorHost(host).plan('tunvs0', ['10.9.9.9', '10.9.9.9', '10.9.9.8'])), [
      'ip link set dev tunvs0 mtu 1480 txqueuelen 4096 up',
      'echo 0 > /proc/sys/net/ipv4/conf/tunvs0/rp_filter',
      'echo 1 > /proc/sys/net/ipv4/conf/tunvs0/accept_local',
      'echo 1 > /proc/sys/net/ipv4/ip_forward',
      'ip route replace unreachable 10.9.9.9/32 metric 4294967295 proto 84',
      'ip route replace 10.9.9.9/32 dev tunvs0 proto 84',
      'ip route replace unreachable 10.9.9.8/32 metric 4294967295 proto 84',
      'ip route replace 10.9.9.8/32 dev tunvs0 proto 84',
    ]);
    assert.deepEqual(host.ran, []);
  });

  it('takes MTU and queue length from its options', () => {
    const steps = directorHost(new FakeHost(), { mtuBytes: 8980, txQueueLength: 10000 }).plan('lvs0');
    assert.equal(commands(steps)[0], 'ip link set dev lvs0 mtu 8980 txqueuelen 10000 up');
  });

  it('keeps a device as wide as it is while it takes the place of another, until it has its servers', () => {
    const wide = { 'ip -j link show dev tunvs0': '[{"ifname":"tunvs0","mtu":1500}]' };
    const narrowing = 'ip link set dev tunvs0 mtu 1480';
    const opened = (answers: Record<string, string>, keepsWidth: boolean) => {
      const host = new FakeHost({ answers });
      const director = directorHost(host, { natMtuBytes: 1500 });
      director.open('tunvs0', [], { keepsWidth });
      return { host, director, isNarrow: () => host.ran.some((command) => command.startsWith(narrowing)) };
    };
    assert.ok(opened(wide, false).isNarrow());
    assert.ok(opened({ 'ip -j link show dev tunvs0': '[{"mtu":1480}]' }, true).isNarrow());
    const withServers = opened(wide, true);
    withServers.director.setNatSources([]);
    withServers.director.setNatServers([{ address: '10.3.0.11', port: 80, protocols: ['tcp'] }]);
    withServers.director.settle();
    assert.ok(!withServers.isNarrow());
    const without = opened(wide, true);
    assert.ok(!without.isNarrow());
    without.director.settle();
    assert.ok(without.isNarrow());
  });

  for (const all of ['1', '2']) {
    it(`is loose on its own device, with an address there, when rp_filter of all is ${all}`, () => {
      const host = new FakeHost({ sysctls: { 'net/ipv4/conf/all/rp_filter': all }, addresses: [LAN] });
      const steps = commands(directorHost(host).plan('tunvs0'));
      assert.ok(steps.includes('echo 2 > /proc/sys/net/ipv4/conf/tunvs0/rp_filter'));
      assert.ok(steps.includes('ip address replace 10.2.0.2/32 dev tunvs0'));
      assert.ok(!steps.some((step) => step.includes('conf/all/')));
    });
  }

  it('does not give the host a director address that it does not have', () => {
    const host = new FakeHost({ sysctls: { 'net/ipv4/conf/all/rp_filter': '1' } });
    assert.ok(!commands(directorHost(host).plan('tunvs0')).some((step) => step.startsWith('ip address')));
  });

  it('answers ARP for a virtual address in a subnet of the host, at once', () => {
    const host = new FakeHost({ sysctls: { 'net/ipv4/neigh/eth0/proxy_delay': '80' }, addresses: [LAN] });
    assert.deepEqual(commands(directorHost(host).plan('tunvs0', ['10.2.0.100', '10.2.0.101'])).slice(4), [
      'echo 0 > /proc/sys/net/ipv4/neigh/eth0/proxy_delay',
      'ip route replace unreachable 10.2.0.100/32 metric 4294967295 proto 84',
      'ip route replace 10.2.0.100/32 dev tunvs0 proto 84',
      'ip neigh replace proxy 10.2.0.100 dev eth0 protocol 84',
      'ip route replace unreachable 10.2.0.101/32 metric 4294967295 proto 84',
      'ip route replace 10.2.0.101/32 dev tunvs0 proto 84',
      'ip neigh replace proxy 10.2.0.101 dev eth0 protocol 84',
    ]);
  });

  it('does not answer ARP when told not to, nor where somebody else has it answered', () => {
    const answers = { 'ip -j -4 neigh show proxy': '[{"dst":"10.2.0.100","dev":"eth0","proxy":null}]' };
    const host = new FakeHost({ addresses: [LAN], answers });
    const off = directorHost(new FakeHost({ addresses: [LAN] }), { answersArp: false });
    for (const director of [off, directorHost(host)]) {
      assert.ok(!commands(director.plan('tunvs0', ['10.2.0.100'])).some((step) => step.startsWith('ip neigh')));
    }
  });

  it('takes over its own proxy entry that a killed director has left', () => {
    const answers = { 'ip -j -4 neigh show proxy': '[{"dst":"10.2.0.100","dev":"eth0","proxy":null,"protocol":"84"}]' };
    const steps = directorHost(new FakeHost({ addresses: [LAN], answers })).plan('tunvs0', ['10.2.0.100']);
    assert.equal(commands(steps).at(-1), 'ip neigh replace proxy 10.2.0.100 dev eth0 protocol 84');
  });

  it('routes a range of virtual addresses as a whole, and answers ARP for each of its addresses', () => {
    const host = new FakeHost({ addresses: [LAN] });
    const director = directorHost(host);
    director.open('tunvs0');
    const opened = host.ran.length;
    director.addVip('10.2.0.96/31');
    director.removeVip('10.2.0.96/31');
    assert.deepEqual(host.ran.slice(opened), [
      'ip route replace unreachable 10.2.0.96/31 metric 4294967295 proto 84',
      'ip route replace 10.2.0.96/31 dev tunvs0 proto 84',
      'ip neigh replace proxy 10.2.0.96 dev eth0 protocol 84',
      'ip neigh replace proxy 10.2.0.97 dev eth0 protocol 84',
      'ip neigh del proxy 10.2.0.97 dev eth0',
      'ip neigh del proxy 10.2.0.96 dev eth0',
      'ip route del 10.2.0.96/31 dev tunvs0 proto 84',
      'ip route del unreachable 10.2.0.96/31 metric 4294967295 proto 84',
    ]);
  });

  it('answers for no range of more than 256 addresses, which has to be routed here', () => {
    const host = new FakeHost({ addresses: [{ ...LAN, prefixLength: 16 }] });
    assert.deepEqual(commands(directorHost(host).plan('tunvs0', ['10.2.2.0/23'])).slice(4), [
      'ip route replace unreachable 10.2.2.0/23 metric 4294967295 proto 84',
      'ip route replace 10.2.2.0/23 dev tunvs0 proto 84',
    ]);
  });

  it('leaves the host its own addresses within a range', () => {
    const answers = { 'ip -4 -o address show to 10.9.9.0/24': '2: eth0 inet 10.9.9.1/32 scope global eth0' };
    const director = directorHost(new FakeHost({ answers }));
    director.open('tunvs0');
    assert.doesNotThrow(() => director.addVip('10.9.9.0/24'));
  });

  it('adds and removes a virtual address once, however often it is asked', () => {
    const host = new FakeHost();
    const director = directorHost(host);
    director.open('tunvs0');
    const opened = host.ran.length;
    director.addVip('10.9.9.9');
    director.addVip('10.9.9.9');
    director.removeVip('10.9.9.9');
    director.removeVip('10.9.9.9');
    assert.deepEqual(host.ran.slice(opened), [
      'ip route replace unreachable 10.9.9.9/32 metric 4294967295 proto 84',
      'ip route replace 10.9.9.9/32 dev tunvs0 proto 84',
      'ip route del 10.9.9.9/32 dev tunvs0 proto 84',
      'ip route del unreachable 10.9.9.9/32 metric 4294967295 proto 84',
    ]);
  });

  it('keeps ARP answers prompt for the other addresses when one is removed', () => {
    const host = new FakeHost({ sysctls: { 'net/ipv4/neigh/eth0/proxy_delay': '80' }, addresses: [LAN] });
    const director = directorHost(host);
    director.open('tunvs0');
    director.addVip('10.2.0.100');
    director.addVip('10.2.0.101');
    director.removeVip('10.2.0.100');
    assert.equal(host.readSysctl('net/ipv4/neigh/eth0/proxy_delay'), '0');
    director.close();
    assert.equal(host.readSysctl('net/ipv4/neigh/eth0/proxy_delay'), '80');
  });

  it('makes the host what it was on close, twice being fine', () => {
    const host = new FakeHost({ sysctls: { 'net/ipv4/ip_forward': '0' } });
    const director = directorHost(host);
    director.open('tunvs0');
    director.addVip('10.9.9.9');
    assert.deepEqual(director.close(), []);
    assert.equal(host.readSysctl('net/ipv4/ip_forward'), '0');
    const closed = host.ran.length;
    assert.deepEqual(director.close(), []);
    assert.equal(host.ran.length, closed);
  });

  it('leaves nothing done when opening fails half-way', () => {
    const host = new FakeHost({ sysctls: { 'net/ipv4/conf/all/rp_filter': '1' }, addresses: [LAN] });
    host.failing = 'ip_forward';
    assert.throws(() => directorHost(host).open('tunvs0'), /ip_forward/);
    assert.equal(host.ran.at(-1), 'ip address del 10.2.0.2/32 dev tunvs0');
  });

  const refusals: { what: string; answers: Record<string, string>; code: string; mend: RegExp }[] = [
    {
      what: 'an address that the host itself has',
      answers: {
        'ip -4 -o address show to 10.9.9.9/32': '1: lo    inet 10.9.9.9/32 scope global lo\\  valid_lft forever',
      },
      code: 'ERR_TUNVS_HOST',
      mend: /remove it with "ip address del 10\.9\.9\.9\/32 dev lo"/,
    },
    {
      what: 'an address that the host routes elsewhere',
      answers: { 'ip -4 route show exact 10.9.9.9/32': '10.9.9.9 via 10.2.0.1 dev eth0 \n' },
      code: 'ERR_TUNVS_HOST',
      mend: /"ip route del 10\.9\.9\.9 via 10\.2\.0\.1 dev eth0"/,
    },
    {
      what: 'an address that another director has',
      answers: { 'ip -4 route show exact 10.9.9.9/32': '10.9.9.9 dev tunvs1 proto 84 scope link \n' },
      code: 'ERR_TUNVS_BUSY',
      mend: /the director on tunvs1: stop that director/,
    },
  ];
  for (const { what, answers, code, mend } of refusals) {
    it(`refuses ${what}, naming the mend`, () => {
      const host = new FakeHost({ answers });
      const director = directorHost(host);
      director.open('tunvs0');
      const opened = host.ran.length;
      assert.throws(
        () => director.addVip('10.9.9.9'),
        (error: Error & { code?: string }) => error.code === code && mend.test(error.message),
      );
      assert.equal(host.ran.length, opened);
    });
  }

  it('refuses an IPv6 address on a host without IPv6', () => {
    const director = directorHost(new FakeHost());
    director.open('tunvs0');
    assert.throws(() => director.addVip('2001:db8:9::9'), { code: 'ERR_TUNVS_UNSUPPORTED' });
  });

  it('forwards, routes and answers solicitations for IPv6 addresses, and makes all of it what it was', () => {
    const host = new FakeHost({ sysctls: IPV6, addresses: [LAN6] });
    const director = directorHost(host, { sources: ['10.2.0.2'] });
    director.open('tunvs0');
    const opened = host.ran.length;
    director.addVip('2001:db8:2::100');
    assert.deepEqual(host.ran.slice(opened), [
      'echo 0 > /proc/sys/net/ipv6/conf/tunvs0/disable_ipv6',
      'echo 2 > /proc/sys/net/ipv6/conf/eth0/accept_ra',
      'echo 1 > /proc/sys/net/ipv6/conf/all/forwarding',
      'echo 1 > /proc/sys/net/ipv6/conf/eth0/proxy_ndp',
      'echo 0 > /proc/sys/net/ipv6/neigh/eth0/proxy_delay',
      'ip -6 route replace unreachable 2001:db8:2::100/128 metric 4294967295 proto 84',
      'ip -6 route replace 2001:db8:2::100/128 dev tunvs0 proto 84',
      'ip -6 neigh replace proxy 2001:db8:2::100 dev eth0 protocol 84',
    ]);
    director.removeVip('2001:db8:2::100');
    assert.deepEqual(host.ran.slice(-3), [
      'ip -6 neigh del proxy 2001:db8:2::100 dev eth0',
      'ip -6 route del 2001:db8:2::100/128 dev tunvs0 proto 84',
      'ip -6 route del unreachable 2001:db8:2::100/128 metric 4294967295 proto 84',
    ]);
    director.close();
    for (const path of ['conf/all/forwarding', 'conf/eth0/accept_ra', 'conf/eth0/proxy_ndp', 'neigh/eth0/proxy_delay'])
      assert.equal(host.readSysctl(`net/ipv6/${path}`), IPV6[`net/ipv6/${path}`], path);
  });

  it('gives interfaces that forwarded IPv6 before that back, which writing "all" takes', () => {
    const host = new FakeHost({ sysctls: IPV6, addresses: [LAN6] });
    const director = directorHost(host, { sources: ['2001:db8:2::2'] });
    director.open('tunvs0');
    assert.equal(host.readSysctl('net/ipv6/conf/all/forwarding'), '1');
    director.close();
    const undone = host.ran.slice(host.ran.indexOf('echo 0 > /proc/sys/net/ipv6/conf/all/forwarding'));
    assert.ok(undone.includes('echo 1 > /proc/sys/net/ipv6/conf/default/forwarding'));
  });

  it('has no link-local address made on the device, whose solicitations it would read', () => {
    const [first] = directorHost(new FakeHost({ sysctls: IPV6 })).plan('tunvs0');
    assert.ok(first);
    assert.equal(formatHostCommand(first.command), 'ip link set dev tunvs0 addrgenmode none');
  });

  it('routes a range of sources to the device, where errors about its tunnel packets come back', () => {
    const host = new FakeHost({ sysctls: { ...IPV6, 'net/ipv4/conf/all/rp_filter': '1' } });
    const steps = commands(directorHost(host, { sources: ['10.2.1.0/28', '2001:db8:2:1::/64'] }).plan('tunvs0'));
    assert.ok(steps.includes('ip route replace 10.2.1.0/28 dev tunvs0 proto 84'));
    assert.ok(steps.includes('ip -6 route replace 2001:db8:2:1::/64 dev tunvs0 proto 84'));
    assert.ok(!steps.some((step) => step.startsWith('ip address')));
  });

  it('refuses IPv6 addresses that the host has or routes elsewhere, at any metric that goes before its own', () => {
    const local = { 'ip -6 -o address show to 2001:db8:9::9/128': '1: lo    inet6 2001:db8:9::9/128 scope global' };
    const routed = (metric: number) => ({
      'ip -6 route show exact 2001:db8:9::9/128': `2001:db8:9::9 via fe80::1 dev eth0 metric ${metric} pref medium\n`,
    });
    const adding = (answers: Record<string, string>) => () => {
      const director = directorHost(new FakeHost({ sysctls: IPV6, answers }));
      director.open('tunvs0');
      director.addVip('2001:db8:9::9');
    };
    assert.throws(adding(local), /"ip -6 address del 2001:db8:9::9\/128 dev lo"/);
    assert.throws(adding(routed(1024)), /"ip -6 route del 2001:db8:9::9 via fe80::1 dev eth0 metric 1024 pref medium"/);
    assert.doesNotThrow(adding(routed(2048)));
  });

  it('has a route of lower priority stay beside its own', () => {
    const answers = { 'ip -4 route show exact 10.9.9.9/32': 'blackhole 10.9.9.9 metric 4000 \n' };
    const director = directorHost(new FakeHost({ answers }));
    director.open('tunvs0');
    assert.doesNotThrow(() => director.addVip('10.9.9.9'));
  });
});
