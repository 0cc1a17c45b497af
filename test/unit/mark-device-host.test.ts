import { strict as assert } from 'node:assert';
import { DirectorHost } from '../../lib/host/director-host.js';
import { markWarnings } from '../../lib/host/mark-device.js';
import { formatHostCommand } from '../../lib/host/step.js';
import { FakeHost, type FakeHostOptions } from '../support/fake-host.js';

const SOURCE = '10.2.0.2';
const SOURCE6 = '2001:db8:2::2';
const ADDRESSES = [{ interfaceName: 'eth0', address: SOURCE, prefixLength: 24 }];
const IPV6 = { 'net/ipv6/conf/all/disable_ipv6': '0', 'net/ipv6/conf/all/forwarding': '1' };
const DEVICES = [
  { name: 'tunvsm0', mark: 1 },
  { name: 'guests', mark: 4294967295 },
];
const LOCAL = { priority: 0, src: 'all', table: 'local' };

interface Answers extends FakeHostOptions {
  rules?: object[];
  /** Returns what is in a table of IPv4. */
  routes?: Record<number, string>;
  sources?: string[];
}

function director({ rules = [LOCAL], routes = {}, sources = [SOURCE], ...options }: Answers = {}) {
  const answers: Record<string, string> = { 'ip -j -4 rule show': JSON.stringify(rules) };
  for (const [table, route] of Object.entries(routes)) answers[`ip -4 route show table ${table}`] = `${route} \n`;
  const host = new FakeHost({ addresses: ADDRESSES, answers, ...options });
  return { host, director: new DirectorHost({ sources, host }) };
}

/** Returns what opening with these devices does beyond opening without. */
function planned(answers: Answers = {}, devices = DEVICES): string[] {
  const commands = (of: typeof devices) =>
    director(answers)
      .director.plan('tunvs0', [], [], of)
      .map(({ command }) => formatHostCommand(command));
  const without = commands([]);
  return commands(devices).slice(without.length);
}

describe('DirectorHost with devices of marks', () => {
  it('brings each up, and has a rule and a table for its mark', () => {
    assert.deepEqual(planned(), [
      'ip rule add pref 84 iif tunvs0 lookup main protocol 84',
      'ip link set dev tunvsm0 mtu 1480 txqueuelen 4096 up',
      'ip route replace unreachable default table 8400 metric 4294967295 proto 84',
      'ip route replace default dev tunvsm0 table 8400 proto 84',
      'ip rule add pref 85 fwmark 0x1 lookup 8400 protocol 84',
      'ip link set dev guests mtu 1480 txqueuelen 4096 up',
      'ip route replace unreachable default table 8401 metric 4294967295 proto 84',
      'ip route replace default dev guests table 8401 proto 84',
      'ip rule add pref 85 fwmark 0xffffffff lookup 8401 protocol 84',
    ]);
  });

  it('does the same for IPv6 where the director has an address of it', () => {
    const six = planned({ sources: [SOURCE, SOURCE6], sysctls: IPV6 }, DEVICES.slice(0, 1)).filter((command) =>
      command.startsWith('ip -6 '),
    );
    assert.deepEqual(six, [
      'ip -6 rule add pref 84 iif tunvs0 lookup main protocol 84',
      'ip -6 route replace unreachable default table 8400 metric 4294967295 proto 84',
      'ip -6 route replace default dev tunvsm0 table 8400 proto 84',
      'ip -6 rule add pref 85 fwmark 0x1 lookup 8400 protocol 84',
    ]);
  });

  it('takes all of it back on close, the rules before what they lead to', () => {
    const { host, director: opened } = director();
    opened.open('tunvs0', DEVICES.slice(0, 1));
    const begin = host.ran.length;
    assert.deepEqual(opened.close(), []);
    assert.deepEqual(
      host.ran.slice(begin).filter((command) => command.startsWith('ip ')),
      [
        'ip rule del pref 85 fwmark 0x1 lookup 8400 protocol 84',
        'ip route del default dev tunvsm0 table 8400 proto 84',
        'ip route del unreachable default table 8400 metric 4294967295 proto 84',
        'ip rule del pref 84 iif tunvs0 lookup main protocol 84',
      ],
    );
  });

  it('leaves nothing done when a step fails', () => {
    const { host, director: opened } = director();
    host.failing = 'fwmark 0xffffffff';
    assert.throws(() => opened.open('tunvs0', DEVICES), /fwmark 0xffffffff/);
    const rules = (verb: string) => host.ran.filter((command) => command.startsWith(`ip rule ${verb} `)).length;
    assert.deepEqual([rules('add'), rules('del')], [2, 2]);
  });

  it('passes over tables that a rule looks up or that hold a route', () => {
    const tables = planned({
      rules: [LOCAL, { priority: 100, src: 'all', table: '8400' }],
      routes: { 8401: 'default via 10.2.0.1 dev eth0' },
    }).flatMap((command) => /route .* table (\d+)/.exec(command)?.[1] ?? []);
    assert.deepEqual([...new Set(tables)], ['8402', '8403']);
  });

  it('takes up the rules and the table that a killed director has left', () => {
    const rules = [
      LOCAL,
      { priority: 84, src: 'all', iif: 'tunvs7', iif_detached: null, table: 'main', protocol: '84' },
      { priority: 85, src: 'all', fwmark: '0x1', table: '8405', protocol: '84' },
      { priority: 85, src: 'all', fwmark: '0x7', table: '8400', protocol: '84' },
    ];
    const { director: opened, host } = director({ rules });
    opened.open('tunvs0', DEVICES);
    assert.deepEqual(
      host.ran.filter((command) => /rule|table/.test(command)),
      [
        'ip rule del pref 84 iif tunvs7 lookup main protocol 84',
        'ip rule add pref 84 iif tunvs0 lookup main protocol 84',
        'ip route replace unreachable default table 8405 metric 4294967295 proto 84',
        'ip route replace default dev tunvsm0 table 8405 proto 84',
        'ip route replace unreachable default table 8401 metric 4294967295 proto 84',
        'ip route replace default dev guests table 8401 proto 84',
        'ip rule add pref 85 fwmark 0xffffffff lookup 8401 protocol 84',
      ],
    );
  });

  it('misses all but the way to a device of a mark that is gone, which cannot be put back', () => {
    const { director: opened, host } = director({ rules: [LOCAL] });
    opened.open('tunvs0', DEVICES);
    opened.addVip('192.0.2.1');
    const links = ['tunvs0', ...DEVICES.map(({ name }) => name)].map((ifname, index) => ({
      ...{ ifindex: index + 2, ifname, flags: ['UP'], mtu: 1480, txqlen: 4096 },
    }));
    const missing = () => {
      host.answers['ip -j -4 link show'] = JSON.stringify(links);
      const snapshot = host.takeSnapshot();
      opened.follow(snapshot);
      return opened.missing(snapshot).map(({ step }) => formatHostCommand(step.command));
    };
    const all = missing();
    links.pop();
    const now = missing();
    assert.deepEqual(
      now,
      all.filter((command) => !/guests|8401/.test(command)),
    );
    assert.ok(now.length < all.length);
    for (const device of ['tunvs0', 'tunvsm0']) assert.ok(now.some((command) => command.includes(`dev ${device}`)));
    links.shift();
    assert.deepEqual(missing(), []);
  });

  it("leaves another director's rule for its own device alone", () => {
    const rules = [LOCAL, { priority: 84, src: 'all', iif: 'tunvs7', table: 'main', protocol: '84' }];
    assert.ok(!planned({ rules }).some((command) => command.includes('tunvs7')));
  });

  it('refuses a mark that a running director serves', () => {
    const rules = [LOCAL, { priority: 85, src: 'all', fwmark: '0x1', table: '8400', protocol: '84' }];
    const { host, director: second } = director({ rules, routes: { 8400: 'default dev tunvsm9 proto 84 scope link' } });
    assert.throws(() => second.open('tunvs0', DEVICES), {
      code: 'ERR_TUNVS_BUSY',
      message: 'mark 1 is served by the director on tunvsm9: stop that director, or choose another mark',
    });
    assert.deepEqual(host.ran, []);
  });

  const hostsOwn: [rule: object, mend: string][] = [
    [{ fwmark: '0x1', table: '100' }, 'ip rule del pref 500 fwmark 0x1 lookup 100'],
    [{ fwmark: '0x1', fwmask: '0xff', table: '100' }, 'ip rule del pref 500 fwmark 0x1/0xff lookup 100'],
    [
      { fwmark: '0x1', table: '8400', protocol: 'static' },
      'ip rule del pref 500 fwmark 0x1 lookup 8400 protocol static',
    ],
  ];
  for (const [rule, mend] of hostsOwn) {
    it(`refuses a mark that a rule of the host's is for, mended by "${mend}"`, () => {
      const { host, director: opened } = director({ rules: [LOCAL, { priority: 500, src: 'all', ...rule }] });
      assert.throws(() => opened.open('tunvs0', DEVICES), {
        code: 'ERR_TUNVS_HOST',
        message: `this host has a rule of its own for mark 1: remove it with "${mend}", or choose another mark`,
      });
      assert.deepEqual(host.ran, []);
    });
  }

  for (const rule of [
    { fwmark: '0x2', table: '100' },
    { not: null, fwmark: '0x1', table: '100' },
    { fwmark: '0x80000', fwmask: '0xff0000', table: '52' },
  ]) {
    it(`does not mind ${JSON.stringify(rule)}`, () => {
      const { director: opened } = director({ rules: [LOCAL, { priority: 500, src: 'all', ...rule }] });
      opened.open('tunvs0', DEVICES.slice(0, 1));
    });
  }

  it('has what carries a mark go to its device where a local node makes the address local', () => {
    const { host, director: opened } = director();
    opened.open('tunvs0', DEVICES.slice(0, 1));
    opened.addVip('10.9.9.9');
    opened.addLocalNode('10.9.9.9');
    assert.deepEqual(
      host.ran.filter((command) => command.startsWith('ip rule add pref 0 ') && command.includes('10.9.9.9')),
      [
        'ip rule add pref 0 iif tunvs0 to 10.9.9.9/32 lookup local protocol 84',
        'ip rule add pref 0 fwmark 0x1 to 10.9.9.9/32 lookup 8400 protocol 84',
        'ip rule add pref 0 to 10.9.9.9/32 lookup main protocol 84',
      ],
    );
    opened.removeLocalNode('10.9.9.9');
    assert.ok(host.ran.includes('ip rule del pref 0 fwmark 0x1 to 10.9.9.9/32 lookup 8400 protocol 84'));
  });
});

describe('the warning about rp_filter and marks', () => {
  const conf = (values: Record<string, string>) =>
    new FakeHost({
      addresses: [...ADDRESSES, { interfaceName: 'lo', address: '127.0.0.1', prefixLength: 8 }],
      sysctls: Object.fromEntries(Object.entries(values).map(([name, value]) => [`net/ipv4/conf/${name}`, value])),
    });

  it('names an interface on which it is strict and looks at marks', () => {
    const strict: Record<string, string>[] = [
      { 'eth0/rp_filter': '1', 'all/src_valid_mark': '1' },
      { 'all/rp_filter': '1', 'eth0/src_valid_mark': '1' },
    ];
    for (const values of strict) {
      const warnings = markWarnings(conf(values));
      assert.equal(warnings.length, 1);
      assert.match(warnings[0] ?? '', /^rp_filter is strict on eth0 and looks at marks.*conf\/eth0\/rp_filter/);
    }
  });

  it('is not given where it is loose, or looks at no marks', () => {
    const fine: Record<string, string>[] = [
      {},
      { 'all/rp_filter': '1' },
      { 'all/src_valid_mark': '1' },
      { 'all/src_valid_mark': '1', 'all/rp_filter': '1', 'eth0/rp_filter': '2' },
    ];
    for (const values of fine) assert.deepEqual(markWarnings(conf(values)), []);
  });
});

describe('devices of marks beside NAT servers', () => {
  const WIDE = 'ip link set dev tunvsm0 mtu 1500';
  const marks = DEVICES.slice(0, 1);
  const servers = [{ address: '10.2.0.11', protocols: ['tcp' as const], port: 80 }];

  function opened() {
    const host = new FakeHost({ addresses: ADDRESSES });
    const wide = new DirectorHost({ sources: [SOURCE], host, mtuBytes: 1480, natMtuBytes: 1500 });
    wide.open('tunvs0', marks);
    return { host, wide };
  }

  /** Shows devices of this MTU, and returns what is missing of them. */
  function missing({ host, wide }: ReturnType<typeof opened>, mtu: number): string[] {
    const links = ['tunvs0', 'tunvsm0'].map((ifname, index) => ({
      ...{ ifindex: index + 3, ifname, flags: ['UP'], mtu, txqlen: 4096 },
    }));
    host.answers['ip -j -4 link show'] = JSON.stringify(links);
    const steps = wide.missing(host.takeSnapshot()).map(({ step }) => formatHostCommand(step.command));
    return steps.filter((command) => command.includes(' link set ') && command.includes('mtu'));
  }

  it('are as wide as the main device, so that nothing is missing, and as narrow when the servers have gone', () => {
    const parts = opened();
    parts.wide.setNatServers(servers);
    assert.ok(parts.host.ran.includes(WIDE));
    assert.deepEqual(missing(parts, 1500), []);
    parts.wide.setNatServers([]);
    assert.ok(parts.host.ran.includes('ip link set dev tunvsm0 mtu 1480'));
    assert.deepEqual(missing(parts, 1480), []);
  });

  it('are so for --dry-run as well', () => {
    const steps = opened().wide.plan('tunvs0', [], [], marks, { servers });
    assert.ok(steps.some(({ command }) => formatHostCommand(command) === WIDE));
  });

  it('are not waited for when they are gone', () => {
    const parts = opened();
    parts.wide.setNatServers(servers);
    missing(parts, 1500);
    parts.host.answers['ip -j -4 link show'] = JSON.stringify([
      { ifindex: 3, ifname: 'tunvs0', flags: ['UP'], mtu: 1500, txqlen: 4096 },
    ]);
    const steps = parts.wide.missing(parts.host.takeSnapshot());
    assert.ok(!steps.some(({ step }) => formatHostCommand(step.command).includes('tunvsm0')));
  });
});
