import { strict as assert } from 'node:assert';
import {
  otherTunnelWarnings,
  planArpSuppression,
  planTunnelDevices,
  type RealServerPlan,
  realServerWarnings,
} from '../../lib/realserver/real-server-host-plan.js';
import { formatHostCommand, type HostStep } from '../../lib/host/step.js';
import { FakeHost } from '../support/fake-host.js';

const LAN = { interfaceName: 'eth0', address: '10.2.0.11', prefixLength: 24 };
const OTHER = { interfaceName: 'eth1', address: '172.16.0.11', prefixLength: 24 };
const HOST_ROUTE = { interfaceName: 'eth0', address: '10.3.0.11', prefixLength: 32 };

const TUNL0 = { name: 'tunl0', isShared: true, families: [4] } as const;
const HAS_IPV6 = { 'net/ipv6/conf/all/disable_ipv6': '0', 'net/ipv6/conf/default/disable_ipv6': '1' };

const commands = (steps: readonly HostStep[]) => steps.map(({ command }) => formatHostCommand(command));

function plan(changes: Partial<RealServerPlan> = {}): RealServerPlan {
  return {
    tunnels: [{ name: 'tunvs-rs0', isShared: false, families: [4, 6] }],
    isDirect: false,
    virtualAddresses: ['10.9.9.9'],
    directors: ['10.2.0.2'],
    arpSuppression: 'auto',
    ...changes,
  };
}

describe('planArpSuppression', () => {
  it('silences the interface on whose LAN the director is, and no other', () => {
    assert.deepEqual(commands(planArpSuppression(plan(), new FakeHost({ addresses: [LAN, OTHER] }))), [
      'echo 1 > /proc/sys/net/ipv4/conf/eth0/arp_ignore',
      'echo 2 > /proc/sys/net/ipv4/conf/eth0/arp_announce',
    ]);
  });

  it('silences the interface on whose LAN the virtual address is', () => {
    const steps = planArpSuppression(
      plan({ virtualAddresses: ['172.16.0.100'], directors: ['192.0.2.1'] }),
      new FakeHost({ addresses: [LAN, OTHER] }),
    );
    assert.equal(commands(steps)[0], 'echo 1 > /proc/sys/net/ipv4/conf/eth1/arp_ignore');
  });

  it('does nothing when director and virtual addresses are in other networks', () => {
    assert.deepEqual(planArpSuppression(plan(), new FakeHost({ addresses: [OTHER, HOST_ROUTE] })), []);
  });

  it('does as it is told', () => {
    const host = new FakeHost({ addresses: [LAN] });
    assert.deepEqual(planArpSuppression(plan({ arpSuppression: 'off' }), host), []);
    assert.equal(
      commands(planArpSuppression(plan({ arpSuppression: 'on' }), host))[0],
      'echo 1 > /proc/sys/net/ipv4/conf/all/arp_ignore',
    );
  });

  it('has nothing to do for IPv6', () => {
    const steps = planArpSuppression(
      plan({ virtualAddresses: ['2001:db8:2::100'], directors: ['2001:db8:2::2'], arpSuppression: 'on' }),
      new FakeHost({ addresses: [LAN, { interfaceName: 'eth0', address: '2001:db8:2::11', prefixLength: 64 }] }),
    );
    assert.deepEqual(steps, []);
  });

  it('knows the LAN of a range of directors', () => {
    const steps = planArpSuppression(plan({ directors: ['10.2.0.16/28'] }), new FakeHost({ addresses: [LAN, OTHER] }));
    assert.equal(commands(steps)[0], 'echo 1 > /proc/sys/net/ipv4/conf/eth0/arp_ignore');
  });

  it('keeps what suppresses more', () => {
    const sysctls = { 'net/ipv4/conf/eth0/arp_ignore': '8', 'net/ipv4/conf/eth0/arp_announce': '2' };
    assert.deepEqual(planArpSuppression(plan(), new FakeHost({ addresses: [LAN], sysctls })), []);
  });
});

describe('planTunnelDevices', () => {
  it('puts the virtual addresses on the device as /32, after it is up', () => {
    assert.deepEqual(
      commands(planTunnelDevices(plan({ virtualAddresses: ['10.9.9.9', '10.9.9.8'] }), new FakeHost())),
      [
        'ip link set dev tunvs-rs0 up',
        'echo 0 > /proc/sys/net/ipv4/conf/tunvs-rs0/rp_filter',
        'ip address add 10.9.9.9/32 dev tunvs-rs0',
        'ip address add 10.9.9.8/32 dev tunvs-rs0',
      ],
    );
  });

  it('makes the device loose where rp_filter of all is not 0', () => {
    const host = new FakeHost({ sysctls: { 'net/ipv4/conf/all/rp_filter': '1' } });
    assert.equal(commands(planTunnelDevices(plan(), host))[1], 'echo 2 > /proc/sys/net/ipv4/conf/tunvs-rs0/rp_filter');
  });

  it('gives IPv6 addresses without asking who has them, on a device that may have IPv6', () => {
    const host = new FakeHost({ sysctls: { ...HAS_IPV6, 'net/ipv4/conf/all/rp_filter': '1' } });
    assert.deepEqual(commands(planTunnelDevices(plan({ virtualAddresses: ['2001:db8:9::9'] }), host)), [
      'ip link set dev tunvs-rs0 addrgenmode none',
      'echo 0 > /proc/sys/net/ipv6/conf/tunvs-rs0/disable_ipv6',
      'ip link set dev tunvs-rs0 up',
      'echo 2 > /proc/sys/net/ipv4/conf/tunvs-rs0/rp_filter',
      'ip -6 address add 2001:db8:9::9/128 dev tunvs-rs0 nodad',
    ]);
  });

  it('puts them on the loopback device for direct routing, with no other device', () => {
    const steps = planTunnelDevices(
      plan({ tunnels: [], isDirect: true, virtualAddresses: ['10.2.0.100', '2001:db8:2::100'] }),
      new FakeHost({ sysctls: { ...HAS_IPV6, 'net/ipv6/conf/lo/disable_ipv6': '1' } }),
    );
    assert.deepEqual(commands(steps), [
      'ip address add 10.2.0.100/32 dev lo',
      'echo 0 > /proc/sys/net/ipv6/conf/lo/disable_ipv6',
      'ip -6 address add 2001:db8:2::100/128 dev lo nodad',
    ]);
    assert.deepEqual(
      steps.map(({ undo }) => undo && formatHostCommand(undo)),
      [
        'ip address del 10.2.0.100/32 dev lo',
        'echo 1 > /proc/sys/net/ipv6/conf/lo/disable_ipv6',
        'ip -6 address del 2001:db8:2::100/128 dev lo',
      ],
    );
  });

  it('in a mixed set-up puts them on the loopback device, and where rp_filter is loose on the tunnel as well', () => {
    const given = (steps: string[]) => steps.filter((step) => step.startsWith('ip address'));
    const mixed = plan({ isDirect: true, virtualAddresses: ['10.2.0.100'] });
    assert.deepEqual(given(commands(planTunnelDevices(mixed, new FakeHost()))), [
      'ip address add 10.2.0.100/32 dev lo',
    ]);
    const host = new FakeHost({ sysctls: { 'net/ipv4/conf/all/rp_filter': '2' } });
    assert.deepEqual(given(commands(planTunnelDevices(mixed, host))), [
      'ip address add 10.2.0.100/32 dev lo',
      'ip address add 10.2.0.100/32 dev tunvs-rs0',
    ]);
  });

  it('puts each address on the device of its family', () => {
    const sit0 = { name: 'sit0', isShared: true, families: [6] } as const;
    const steps = planTunnelDevices(
      plan({ tunnels: [TUNL0, sit0], virtualAddresses: ['10.9.9.9', '2001:db8:9::9'] }),
      new FakeHost({ sysctls: { ...HAS_IPV6, 'net/ipv6/conf/sit0/disable_ipv6': '0' } }),
    );
    assert.deepEqual(
      commands(steps).filter((step) => step.includes('address')),
      ['ip address add 10.9.9.9/32 dev tunl0', 'ip -6 address add 2001:db8:9::9/128 dev sit0 nodad'],
    );
    assert.ok(!commands(steps).some((step) => step.includes('sit0/rp_filter')));
  });

  it('takes back from a shared device only what was not there before', () => {
    const host = new FakeHost({
      sysctls: { 'net/ipv4/conf/tunl0/rp_filter': '1' },
      answers: {
        'ip -o link show dev tunl0': '2: tunl0@NONE: <NOARP> mtu 1480 qdisc noop state DOWN',
        'ip -4 -o address show dev tunl0 to 10.9.9.8/32': '2: tunl0    inet 10.9.9.8/32 scope global tunl0',
      },
    });
    const steps = planTunnelDevices(plan({ tunnels: [TUNL0], virtualAddresses: ['10.9.9.9', '10.9.9.8'] }), host);
    assert.deepEqual(
      steps.map(({ undo }) => undo && formatHostCommand(undo)),
      [
        'ip link set dev tunl0 down',
        'echo 1 > /proc/sys/net/ipv4/conf/tunl0/rp_filter',
        'ip address del 10.9.9.9/32 dev tunl0',
      ],
    );
  });

  it('leaves a shared device up that was up', () => {
    const host = new FakeHost({
      answers: { 'ip -o link show dev tunl0': '2: tunl0@NONE: <NOARP,UP,LOWER_UP> mtu 1480' },
    });
    const steps = planTunnelDevices(plan({ tunnels: [TUNL0] }), host);
    assert.ok(!commands(steps).some((step) => step.startsWith('ip link')));
  });
});

describe('realServerWarnings', () => {
  it('warns when replies would pass the director', () => {
    const host = new FakeHost({ answers: { 'ip -4 route show default': 'default via 10.2.0.2 dev eth0 \n' } });
    assert.match(realServerWarnings(plan(), host)[0] ?? '', /default gateway is the director 10\.2\.0\.2/);
  });

  it('warns of a director as the IPv6 gateway too', () => {
    const host = new FakeHost({
      answers: { 'ip -6 route show default': 'default via 2001:db8:2::2 dev eth0 metric 1024\n' },
    });
    assert.match(
      realServerWarnings(plan({ directors: ['2001:db8:2::2'] }), host)[0] ?? '',
      /default gateway is the director 2001:db8:2::2/,
    );
  });

  const strict = { 'net/ipv4/conf/all/rp_filter': '0', 'net/ipv4/conf/eth0/rp_filter': '1' };
  for (const { what, sysctls, route, warns } of [
    { what: 'its own strict rp_filter', sysctls: strict, route: 'eth1', warns: true },
    { what: 'that of all', sysctls: { 'net/ipv4/conf/all/rp_filter': '1' }, route: 'eth1', warns: true },
    { what: 'a loose one', sysctls: { ...strict, 'net/ipv4/conf/all/rp_filter': '2' }, route: 'eth1', warns: false },
    { what: 'the default route on it', sysctls: strict, route: 'eth0', warns: false },
  ]) {
    it(`${warns ? 'warns' : 'is silent'} when frames come in on an interface with ${what}`, () => {
      const answers = { 'ip -4 route show default': `default via 172.16.0.1 dev ${route} \n` };
      const host = new FakeHost({ addresses: [LAN, OTHER], sysctls, answers });
      const warnings = realServerWarnings(plan({ isDirect: true }), host);
      assert.equal(warnings.length, warns ? 1 : 0);
      if (warns)
        assert.match(warnings[0] ?? '', /strict on eth0.*write 2 to \/proc\/sys\/net\/ipv4\/conf\/eth0\/rp_filter/);
      assert.deepEqual(realServerWarnings(plan(), host), []);
    });
  }

  it('warns of a device of the kernel that takes the same packets', () => {
    const answers = {
      'ip -o link show up type ipip': '4: tunl0@NONE: <NOARP,UP,LOWER_UP> mtu 1480 qdisc noqueue\n',
      'ip -o link show up type sit': '\n',
    };
    assert.match(otherTunnelWarnings(plan(), new FakeHost({ answers }))[0] ?? '', /^tunl0 is up as well/);
    assert.deepEqual(otherTunnelWarnings(plan(), new FakeHost()), []);
  });

  it('is silent about another gateway', () => {
    const host = new FakeHost({ answers: { 'ip -4 route show default': 'default via 10.2.0.1 dev eth0 \n' } });
    assert.deepEqual(realServerWarnings(plan(), host), []);
  });
});
