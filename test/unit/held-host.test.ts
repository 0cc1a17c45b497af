/** What is missing is a function of what is wanted and of a snapshot. */
import { strict as assert } from 'node:assert';
import { DirectorHost } from '../../lib/host/director-host.js';
import { readRules } from '../../lib/host/ip-rule.js';
import { answersIn, SnapshotHost } from '../../lib/host/snapshot.js';
import { formatHostCommand } from '../../lib/host/step.js';
import { FakeHost } from '../support/fake-host.js';

const VIP = '10.2.0.100';
const LAN = { interfaceName: 'eth0', address: '10.2.0.2', prefixLength: 24 };

interface Kernel {
  links: { ifindex: number; ifname: string; flags: string[]; mtu: number; txqlen: number }[];
  addresses: Record<string, { local: string; prefixlen: number }[]>;
  routes: object[];
  rules: object[];
  proxies: object[];
}

/** Sets a host up as it is when a director has a local node on a LAN. */
function kernel(): Kernel {
  return {
    links: [
      { ifindex: 2, ifname: 'eth0', flags: ['UP', 'LOWER_UP'], mtu: 1500, txqlen: 1000 },
      { ifindex: 3, ifname: 'tunvs0', flags: ['UP'], mtu: 1480, txqlen: 4096 },
    ],
    addresses: { eth0: [{ local: '10.2.0.2', prefixlen: 24 }] },
    routes: [
      { dst: VIP, dev: 'tunvs0', scope: 'link', flags: [] },
      { type: 'unreachable', dst: VIP, metric: 4294967295, flags: [] },
      { type: 'local', dst: VIP, dev: 'tunvs0', table: 'local', flags: [] },
    ],
    rules: [
      { priority: 0, src: 'all', dst: VIP, iif: 'tunvs0', table: 'local', protocol: '84' },
      { priority: 0, src: 'all', dst: VIP, table: 'main', protocol: '84' },
      { priority: 0, src: 'all', table: 'local' },
      { priority: 32766, src: 'all', table: 'main' },
    ],
    proxies: [{ dst: VIP, dev: 'eth0', proxy: null, protocol: '84' }],
  };
}

function show(host: FakeHost, { links, addresses, routes, rules, proxies }: Kernel): void {
  const answers = {
    'link show': links,
    'address show': links.map((link) => ({ ...link, addr_info: addresses[link.ifname] ?? [] })),
    'route show table all proto 84': routes,
    'rule show': rules,
    'neigh show proxy': proxies,
  };
  for (const [dump, rows] of Object.entries(answers)) host.answers[`ip -j -4 ${dump}`] = JSON.stringify(rows);
}

function opened() {
  const host = new FakeHost({
    addresses: [LAN],
    sysctls: { 'net/ipv4/ip_forward': '0', 'net/ipv4/neigh/eth0/proxy_delay': '80' },
  });
  const director = new DirectorHost({ sources: ['10.2.0.2'], host });
  director.open('tunvs0');
  director.addVip(VIP);
  director.addLocalNode(VIP);
  show(host, kernel());
  director.follow(host.takeSnapshot());
  const missing = () => director.missing(host.takeSnapshot()).map(({ step }) => formatHostCommand(step.command));
  return { host, director, missing };
}

type Damage = (now: Kernel, host: FakeHost) => void;
const sysctl =
  (path: string, value: string): Damage =>
  (_, host) =>
    host.sysctls.set(path, value);

const LINK = 'ip link set dev tunvs0 mtu 1480 txqueuelen 4096 up';
const RULES = [
  'ip rule add pref 0 iif tunvs0 to 10.2.0.100/32 lookup local protocol 84',
  'ip rule add pref 0 to 10.2.0.100/32 lookup main protocol 84',
];
const BEHIND = [
  'ip rule add pref 1 lookup local protocol 84',
  'ip rule del pref 0 lookup local protocol kernel',
  'ip rule add pref 0 lookup local protocol kernel',
  'ip rule del pref 1 lookup local protocol 84',
];
const deleted = (rule: string) => rule.replace(' add ', ' del ');

const cases: [what: string, damage: Damage, missing: string[]][] = [
  ['nothing', () => {}, []],
  ['that the device is up', ({ links }) => Object.assign(links[1] ?? {}, { flags: [] }), [LINK]],
  ['the MTU of the device', ({ links }) => Object.assign(links[1] ?? {}, { mtu: 1500 }), [LINK]],
  ['its queue length', ({ links }) => Object.assign(links[1] ?? {}, { txqlen: 500 }), [LINK]],
  ['the route', ({ routes }) => routes.shift(), ['ip route replace 10.2.0.100/32 dev tunvs0 proto 84']],
  [
    'the route that ends loops',
    ({ routes }) => routes.splice(1, 1),
    ['ip route replace unreachable 10.2.0.100/32 metric 4294967295 proto 84'],
  ],
  [
    'the local route',
    ({ routes }) => routes.pop(),
    ['ip route replace local 10.2.0.100/32 dev tunvs0 table local proto 84'],
  ],
  ['the proxy entry', ({ proxies }) => proxies.pop(), ['ip neigh replace proxy 10.2.0.100 dev eth0 protocol 84']],
  ['a rule', ({ rules }) => rules.shift(), [deleted(RULES[1] as string), ...RULES, ...BEHIND]],
  [
    'the order of the rules',
    ({ rules }) => rules.unshift(...rules.splice(1, 1)),
    [deleted(RULES[1] as string), deleted(RULES[0] as string), ...RULES, ...BEHIND],
  ],
  [
    'a place before the rule for local addresses',
    ({ rules }) => rules.unshift(...rules.splice(2, 1)),
    [...RULES.map(deleted), ...RULES, ...BEHIND],
  ],
  ['forwarding', sysctl('net/ipv4/ip_forward', '0'), ['echo 1 > /proc/sys/net/ipv4/ip_forward']],
  [
    'prompt answers',
    sysctl('net/ipv4/neigh/eth0/proxy_delay', '80'),
    ['echo 0 > /proc/sys/net/ipv4/neigh/eth0/proxy_delay'],
  ],
  [
    'a proxy entry on an interface that has come into the subnet',
    (now) => {
      now.links.push({ ifindex: 9, ifname: 'eth1', flags: ['UP', 'LOWER_UP'], mtu: 1500, txqlen: 1000 });
      now.addresses.eth1 = [{ local: '10.2.0.3', prefixlen: 24 }];
    },
    ['ip neigh replace proxy 10.2.0.100 dev eth1 protocol 84'],
  ],
  ['nothing of an interface that has gone', (now) => now.links.shift() && now.proxies.pop(), []],
  ['nothing more when its device is gone', ({ links, routes }) => links.pop() && routes.splice(0), []],
];

describe('what a host lacks', () => {
  for (const [what, damage, expected] of cases) {
    it(`is ${what}`, () => {
      const { host, missing } = opened();
      const now = kernel();
      damage(now, host);
      show(host, now);
      assert.deepEqual(missing(), expected);
    });
  }

  it('is named, and put back with few commands; what it was before the first time is what it becomes in the end', () => {
    const { host, director } = opened();
    host.sysctls.set('net/ipv4/ip_forward', '2');
    const missing = director.missing(host.takeSnapshot());
    assert.deepEqual(
      missing.map(({ thing }) => thing),
      ['"echo 1 > /proc/sys/net/ipv4/ip_forward" (forward packets)'],
    );
    assert.deepEqual(director.putBack(missing), [undefined]);
    assert.equal(host.readSysctl('net/ipv4/ip_forward'), '1');
    director.close();
    assert.equal(host.readSysctl('net/ipv4/ip_forward'), '0');
  });

  it('is taken back with the rest when it was put on an interface that came later', () => {
    const { host, director } = opened();
    const now = kernel();
    now.links.push({ ifindex: 9, ifname: 'eth1', flags: ['UP'], mtu: 1500, txqlen: 1000 });
    now.addresses.eth1 = [{ local: '10.2.0.3', prefixlen: 24 }];
    show(host, now);
    director.putBack(director.missing(host.takeSnapshot()));
    director.removeVip(VIP);
    assert.ok(host.ran.includes('ip neigh del proxy 10.2.0.100 dev eth1'));
  });

  it('is known by the names that devices have now, and so is what is taken back', () => {
    const { host, director, missing } = opened();
    const now = kernel();
    Object.assign(now.links[0] ?? {}, { ifname: 'lan0' });
    Object.assign(now.links[1] ?? {}, { ifname: 'lvs9' });
    const text = JSON.stringify(now).replaceAll('"tunvs0"', '"lvs9"').replaceAll('"eth0"', '"lan0"');
    show(host, JSON.parse(text) as Kernel);
    for (const name of ['rp_filter', 'accept_local'])
      host.sysctls.set(`net/ipv4/conf/lvs9/${name}`, name === 'rp_filter' ? '0' : '1');
    assert.deepEqual(director.follow(host.takeSnapshot()), [
      ['eth0', 'lan0'],
      ['tunvs0', 'lvs9'],
    ]);
    assert.deepEqual(missing(), []);
    const begin = host.ran.length;
    director.close();
    const undone = host.ran.slice(begin);
    assert.ok(undone.includes('ip route del 10.2.0.100/32 dev lvs9 proto 84'));
    assert.ok(undone.includes('ip neigh del proxy 10.2.0.100 dev lan0'));
    assert.ok(!undone.some((command) => /tunvs0|eth0 *$/.test(command)));
  });

  it('takes back a proxy entry when the interface has left the subnet', () => {
    const { host, director } = opened();
    const now = kernel();
    now.addresses.eth0 = [];
    show(host, now);
    director.takeBackStale(host.takeSnapshot());
    assert.equal(host.ran.at(-1), 'ip neigh del proxy 10.2.0.100 dev eth0');
  });
});

describe('a snapshot', () => {
  const lines = (count: number) => '[]\n'.repeat(count);
  const rules = 'ip -j -6 rule show';

  it('has an answer to each question', () => {
    const answers = answersIn(6, '[]\n[]\n[]\n[{"priority":0}]\n[]\n', '');
    assert.equal(new Map(answers).get(rules), '[{"priority":0}]');
  });

  it('does without rules where the kernel has none, and tells whoever asks for them', () => {
    const said = 'RTNETLINK answers: Address family not supported by protocol\nDump terminated\nCommand failed -:4\n';
    const snapshot = new SnapshotHost(new FakeHost(), new Map(answersIn(6, lines(4), said)));
    assert.throws(() => readRules(snapshot, 6), { code: 'ERR_TUNVS_HOST' });
  });

  it('is none when anything else is not answered', () => {
    assert.equal(answersIn(4, lines(4), 'Command failed -:3\n'), undefined);
    assert.equal(answersIn(4, lines(4), ''), undefined);
    assert.equal(answersIn(4, lines(6), ''), undefined);
    assert.equal(answersIn(4, '', 'killed'), undefined);
  });
});

describe('a host whose rules cannot be read', () => {
  for (const [what, answer] of [
    ['fails', null],
    ['prints no JSON', '0: from all lookup local'],
  ] as const) {
    it(`is left as it is when "ip rule show" ${what}, with the command and a mend`, () => {
      const host = new FakeHost({ addresses: [LAN], answers: { 'ip -j -4 rule show': answer } });
      const director = new DirectorHost({ sources: ['10.2.0.2'], host });
      director.open('tunvs0');
      director.addVip(VIP);
      const begin = host.ran.length;
      assert.throws(() => director.addLocalNode(VIP), {
        code: 'ERR_TUNVS_HOST',
        message: /^"ip -j -4 rule show" .*changes nothing: (run it by hand|install iproute2)/,
      });
      assert.deepEqual(
        host.ran.slice(begin).filter((command) => command.includes('rule')),
        [],
      );
      assert.throws(() => new DirectorHost({ sources: ['10.2.0.2'], host }).open('tunvs1', [{ name: 'm', mark: 1 }]), {
        code: 'ERR_TUNVS_HOST',
      });
    });
  }

  for (const query of [
    'ip -j -4 neigh show proxy',
    'ip -4 -o address show to 10.2.0.100/32',
    'ip -4 route show exact 10.2.0.100/32',
  ]) {
    it(`does not take a failure of "${query}" for nothing`, () => {
      const director = new DirectorHost({
        sources: ['10.2.0.2'],
        host: new FakeHost({ addresses: [LAN], answers: { [query]: null } }),
      });
      director.open('tunvs0');
      assert.throws(() => director.addVip(VIP), { code: 'ERR_TUNVS_HOST' });
    });
  }
});
