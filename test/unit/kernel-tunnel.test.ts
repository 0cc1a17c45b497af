/** Which of the kernel's tunnel devices a real server uses. */
import { strict as assert } from 'node:assert';
import { HostSetup } from '../../lib/host/host-setup.js';
import {
  openKernelTunnels,
  planKernelTunnels,
  planMadeDevices,
  type TunnelNeeds,
} from '../../lib/host/kernel-tunnel.js';
import { formatHostCommand, type HostStep } from '../../lib/host/step.js';
import { FakeHost } from '../support/fake-host.js';

const BOTH = ['10.9.9.9', '2001:db8:9::9'];

function needs(changes: Partial<TunnelNeeds> = {}): TunnelNeeds {
  return {
    methods: ['ipip'],
    directors: ['10.2.0.2'],
    virtualAddresses: ['10.9.9.9'],
    guePorts: [],
    greChecksum: false,
    ...changes,
  };
}

/** Returns the answers of a host that has these devices. */
function having(...names: string[]): Record<string, string> {
  return Object.fromEntries(
    names.map((name) => [`ip -o link show dev ${name}`, `5: ${name}@NONE: <NOARP> mtu 1480\n`]),
  );
}

const ROUTE = { 'ip -4 -o route get 10.2.0.2': '10.2.0.2 via 10.3.0.1 dev eth0 src 10.3.0.11 uid 0 \\    cache \n' };
const ROUTE6 = { 'ip -6 -o route get 2001:db8:2::2': '2001:db8:2::2 dev eth0 src 2001:db8:3::11 metric 256\n' };

describe('planKernelTunnels', () => {
  const cases: {
    what: string;
    needs: TunnelNeeds;
    answers: Record<string, string>;
    devices: string[];
    steps: string[];
  }[] = [
    {
      what: 'IPv4 in IPv4, of that director alone',
      needs: needs(),
      answers: having('tunl0'),
      devices: ['tunvs-rs0'],
      steps: ['ip link add name tunvs-rs0 type ipip remote 10.2.0.2'],
    },
    {
      what: 'IPv4 in IPv4 of two directors, from each by a device of its own',
      needs: needs({ directors: ['10.2.0.2', '10.2.0.3'] }),
      answers: having('tunl0'),
      devices: ['tunvs-rs0', 'tunvs-rs1'],
      steps: [
        'ip link add name tunvs-rs0 type ipip remote 10.2.0.2',
        'ip link add name tunvs-rs1 type ipip remote 10.2.0.3',
      ],
    },
    {
      what: 'IPv4 in IPv4 of a range of directors',
      needs: needs({ directors: ['10.2.0.2', '10.2.1.0/28'] }),
      answers: having('tunl0'),
      devices: ['tunl0'],
      steps: [],
    },
    {
      what: 'both families in IPv4',
      needs: needs({ virtualAddresses: BOTH }),
      answers: having('tunl0', 'sit0'),
      devices: ['tunvs-rs0', 'tunvs-rs1'],
      steps: [
        'ip link add name tunvs-rs0 type ipip remote 10.2.0.2',
        'ip link add name tunvs-rs1 type sit remote 10.2.0.2',
      ],
    },
    {
      what: 'IPv6 in IPv6',
      needs: needs({ directors: ['2001:db8:2::/64'], virtualAddresses: ['2001:db8:9::9'] }),
      answers: having('ip6tnl0'),
      devices: ['ip6tnl0'],
      steps: [],
    },
    {
      what: 'both families in IPv6',
      needs: needs({ directors: ['2001:db8:2::2'], virtualAddresses: BOTH }),
      answers: having('ip6tnl0'),
      devices: ['tunvs-rs0'],
      steps: ['ip link add name tunvs-rs0 type ip6tnl remote 2001:db8:2::2 mode any'],
    },
    {
      what: 'both families in IPv6 of a range of directors',
      needs: needs({ directors: ['2001:db8:2::/64'], virtualAddresses: BOTH }),
      answers: having('ip6tnl0'),
      devices: ['ip6tnl0'],
      steps: ['ip link set dev ip6tnl0 type ip6tnl mode any'],
    },
    {
      what: 'GUE over both families, on two ports',
      needs: needs({ methods: ['gue'], directors: ['10.2.0.2', '2001:db8:2::2'], guePorts: [6080, 6081] }),
      answers: { ...having('tunl0', 'ip6tnl0'), 'ip fou show': '' },
      devices: ['tunvs-rs0', 'tunvs-rs1'],
      steps: [
        'ip fou add port 6080 gue',
        'ip fou add port 6081 gue',
        'ip -6 fou add port 6080 gue',
        'ip -6 fou add port 6081 gue',
        'ip link add name tunvs-rs0 type ipip remote 10.2.0.2',
        'ip link add name tunvs-rs1 type ip6tnl remote 2001:db8:2::2 mode any',
      ],
    },
    {
      what: 'GRE with checksums',
      needs: needs({ methods: ['gre'], virtualAddresses: BOTH, greChecksum: true }),
      answers: { ...having('gre0'), ...ROUTE },
      devices: ['tunvs-rs0'],
      steps: ['ip link add name tunvs-rs0 type gre local 10.3.0.11 remote 10.2.0.2 icsum'],
    },
    {
      what: 'GRE over both families',
      needs: needs({ methods: ['gre'], directors: ['10.2.0.2', '2001:db8:2::2'] }),
      answers: { ...having('gre0'), ...ROUTE, ...ROUTE6 },
      devices: ['tunvs-rs0', 'tunvs-rs1'],
      steps: [
        'ip link add name tunvs-rs0 type gre local 10.3.0.11 remote 10.2.0.2',
        'ip link add name tunvs-rs1 type ip6gre local 2001:db8:3::11 remote 2001:db8:2::2',
      ],
    },
  ];
  for (const { what, needs, answers, devices, steps } of cases) {
    it(`uses what takes ${what}`, () => {
      const plan = planKernelTunnels(new FakeHost({ answers }), needs, 'tunvs-rs0');
      assert.deepEqual(
        plan?.devices.map(({ name }) => name),
        devices,
      );
      assert.deepEqual(
        plan?.steps.map(({ command }) => formatHostCommand(command)),
        steps,
      );
    });
  }

  it('finds nothing where the kernel lacks one of them', () => {
    const lacking = [
      [needs(), {}],
      [needs({ virtualAddresses: BOTH }), having('tunl0')],
      [needs({ methods: ['gue'], guePorts: [6080] }), having('tunl0')],
      [needs({ methods: ['gre'] }), having('gre0')],
    ] as const;
    for (const [wanted, answers] of lacking)
      assert.equal(planKernelTunnels(new FakeHost({ answers }), wanted, 'rs0'), undefined);
  });
});

describe('openKernelTunnels', () => {
  function open(host: FakeHost, wanted: TunnelNeeds) {
    const setup = new HostSetup(host);
    return { setup, devices: openKernelTunnels(host, setup, wanted, 'tunvs-rs0') };
  }

  it('makes devices of its own where there is no fallback, and takes them back', () => {
    const host = new FakeHost();
    const { setup, devices } = open(host, needs({ virtualAddresses: BOTH }));
    assert.deepEqual(devices, [
      { name: 'tunvs-rs0', isShared: false, families: [4] },
      { name: 'tunvs-rs1', isShared: false, families: [6] },
    ]);
    setup.undo();
    assert.deepEqual(host.ran, [
      'ip link add name tunvs-rs0 type ipip remote 10.2.0.2',
      'ip link add name tunvs-rs1 type sit remote 10.2.0.2',
      'ip link del dev tunvs-rs1',
      'ip link del dev tunvs-rs0',
    ]);
  });

  it('shares the devices that another real server of this host has made for the same director', () => {
    const host = new FakeHost();
    const first = open(host, needs());
    const run = host.run.bind(host);
    host.run = (command) => {
      if ('argv' in command && command.argv.includes('add')) throw new Error('RTNETLINK answers: File exists');
      run(command);
    };
    const second = open(host, needs());
    assert.deepEqual(second.devices, first.devices);
    first.setup.undo();
    assert.ok(!host.ran.some((command) => command.includes(' del ')));
    second.setup.undo();
    assert.equal(host.ran.at(-1), 'ip link del dev tunvs-rs0');
  });

  it('has ip6tnl0 as it was when it is done', () => {
    const host = new FakeHost({ answers: having('ip6tnl0') });
    const { setup, devices } = open(host, needs({ directors: ['2001:db8:2::/64'] }));
    assert.deepEqual(devices, [{ name: 'ip6tnl0', isShared: true, families: [4] }]);
    setup.undo();
    assert.equal(host.ran.at(-1), 'ip link set dev ip6tnl0 type ip6tnl mode ip6ip6');
  });

  it('leaves nothing when one of several cannot be had', () => {
    const host = new FakeHost();
    host.failing = 'fou add';
    const { devices } = open(host, needs({ methods: ['gue'], guePorts: [6080] }));
    assert.equal(devices, undefined);
    assert.deepEqual(host.ran, ['ip link add name tunvs-rs0 type ipip remote 10.2.0.2', 'ip link del dev tunvs-rs0']);
  });
});

describe('planMadeDevices', () => {
  it('finds a device of our own missing that somebody has deleted, and no other step', () => {
    const host = new FakeHost({ answers: ROUTE });
    const setup = new HostSetup(host);
    const made: HostStep[] = [];
    const noting = {
      apply: (steps: readonly HostStep[]) => made.push(...steps),
      undo: () => setup.undo(),
    };
    openKernelTunnels(host, noting, needs({ methods: ['gre', 'gue'], guePorts: [6080] }), 'tunvs-rs0');
    const held = () =>
      planMadeDevices(made, host.takeSnapshot()).map((step) => [formatHostCommand(step.command), step.isHeld]);
    const [gre] = held();
    assert.ok(gre);
    const name = String(gre[0]).split(' ')[4];
    assert.equal(gre[1], false);
    const link = { ifindex: 7, ifname: name, flags: [], mtu: 1476 };
    host.answers['ip -j -4 link show'] = JSON.stringify([link]);
    assert.deepEqual(
      held()
        .map(([command, isHeld]) => [String(command).split(' ')[4], isHeld])
        .find(([each]) => each === name),
      [name, true],
    );
    assert.ok(held().every(([command]) => String(command).startsWith('ip link add name ')));
  });
});
