import { strict as assert } from 'node:assert';
import {
  planArpSuppression,
  planTunnelDevice,
  type RealServerPlan,
  realServerWarnings,
} from '../../lib/host/real-server-host-plan.js';
import { formatHostCommand, type HostStep } from '../../lib/host/step.js';
import { FakeHost } from '../support/fake-host.js';

const LAN = { interfaceName: 'eth0', address: '10.2.0.11', prefixLength: 24 };
const OTHER = { interfaceName: 'eth1', address: '172.16.0.11', prefixLength: 24 };
const HOST_ROUTE = { interfaceName: 'eth0', address: '10.3.0.11', prefixLength: 32 };

const commands = (steps: readonly HostStep[]) => steps.map(({ command }) => formatHostCommand(command));

function plan(changes: Partial<RealServerPlan> = {}): RealServerPlan {
  return {
    device: 'tunvs-rs0',
    isShared: false,
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

  it('keeps what suppresses more', () => {
    const sysctls = { 'net/ipv4/conf/eth0/arp_ignore': '8', 'net/ipv4/conf/eth0/arp_announce': '2' };
    assert.deepEqual(planArpSuppression(plan(), new FakeHost({ addresses: [LAN], sysctls })), []);
  });
});

describe('planTunnelDevice', () => {
  it('puts the virtual addresses on the device as /32, after it is up', () => {
    assert.deepEqual(commands(planTunnelDevice(plan({ virtualAddresses: ['10.9.9.9', '10.9.9.8'] }), new FakeHost())), [
      'ip link set dev tunvs-rs0 up',
      'echo 0 > /proc/sys/net/ipv4/conf/tunvs-rs0/rp_filter',
      'ip address add 10.9.9.9/32 dev tunvs-rs0',
      'ip address add 10.9.9.8/32 dev tunvs-rs0',
    ]);
  });

  it('makes the device loose where rp_filter of all is not 0', () => {
    const host = new FakeHost({ sysctls: { 'net/ipv4/conf/all/rp_filter': '1' } });
    assert.equal(commands(planTunnelDevice(plan(), host))[1], 'echo 2 > /proc/sys/net/ipv4/conf/tunvs-rs0/rp_filter');
  });

  it('takes back from a shared device only what was not there before', () => {
    const host = new FakeHost({
      sysctls: { 'net/ipv4/conf/tunl0/rp_filter': '1' },
      answers: {
        'ip -o link show dev tunl0': '2: tunl0@NONE: <NOARP> mtu 1480 qdisc noop state DOWN',
        'ip -4 -o address show dev tunl0 to 10.9.9.8/32': '2: tunl0    inet 10.9.9.8/32 scope global tunl0',
      },
    });
    const steps = planTunnelDevice(
      plan({ device: 'tunl0', isShared: true, virtualAddresses: ['10.9.9.9', '10.9.9.8'] }),
      host,
    );
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
    const steps = planTunnelDevice(plan({ device: 'tunl0', isShared: true }), host);
    assert.ok(!commands(steps).some((step) => step.startsWith('ip link')));
  });
});

describe('realServerWarnings', () => {
  it('warns when replies would pass the director', () => {
    const host = new FakeHost({ answers: { 'ip -4 route show default': 'default via 10.2.0.2 dev eth0 \n' } });
    assert.match(realServerWarnings(plan(), host)[0] ?? '', /default gateway is the director 10\.2\.0\.2/);
  });

  it('is silent about another gateway', () => {
    const host = new FakeHost({ answers: { 'ip -4 route show default': 'default via 10.2.0.1 dev eth0 \n' } });
    assert.deepEqual(realServerWarnings(plan(), host), []);
  });
});
