import { strict as assert } from 'node:assert';
import { DirectorHost } from '../../lib/host/director-host.js';
import { isOwnAddress } from '../../lib/host/own-address.js';
import { FakeHost, type FakeHostOptions } from '../support/fake-host.js';

const VIP = '10.9.9.9';
const VIP6 = '2001:db8:9::9';
const DEMUX = { 'net/ipv4/tcp_early_demux': '1', 'net/ipv4/udp_early_demux': '1' };
const IPV6 = { 'net/ipv6/conf/all/disable_ipv6': '0', 'net/ipv6/conf/all/forwarding': '1' };
const ADDRESSES = [
  { interfaceName: 'eth0', address: '10.2.0.2', prefixLength: 24 },
  { interfaceName: 'eth0', address: '2001:db8:2::2', prefixLength: 64 },
];
const LOCAL_RULE = { priority: 0, src: 'all', table: 'local' };
const MAIN_RULE = { priority: 32766, src: 'all', table: 'main' };

const RULES_OF_VIP = [
  'ip rule add pref 0 iif tunvs0 to 10.9.9.9/32 lookup local protocol 84',
  'ip rule add pref 0 to 10.9.9.9/32 lookup main protocol 84',
];
const LOCAL_RULE_BEHIND = [
  'ip rule add pref 1 lookup local protocol 84',
  'ip rule del pref 0 lookup local protocol kernel',
  'ip rule add pref 0 lookup local protocol kernel',
  'ip rule del pref 1 lookup local protocol 84',
];
const ADDRESS_OF_VIP = 'ip route replace local 10.9.9.9/32 dev tunvs0 table local proto 84';

function opened({ sysctls, rules, ...options }: FakeHostOptions & { rules?: object[] } = {}) {
  const answers: Record<string, string> = rules ? { 'ip -j -4 rule show': JSON.stringify(rules) } : {};
  const host = new FakeHost({ sysctls: { ...DEMUX, ...sysctls }, addresses: ADDRESSES, answers, ...options });
  const director = new DirectorHost({ sources: ['10.2.0.2', '2001:db8:2::2'], host });
  director.open('tunvs0');
  for (const vip of [VIP, '10.9.9.8']) director.addVip(vip);
  const begin = host.ran.length;
  return { host, director, ran: () => host.ran.slice(begin) };
}

describe('DirectorHost with local nodes', () => {
  it('has rules by which only what comes out of the device is local, and takes them back', () => {
    const { director, ran } = opened({ rules: [LOCAL_RULE, MAIN_RULE] });
    director.addLocalNode(VIP);
    const demux = (value: number) =>
      ['tcp', 'udp'].map((protocol) => `echo ${value} > /proc/sys/net/ipv4/${protocol}_early_demux`);
    const set = [...demux(0), ...RULES_OF_VIP, ...LOCAL_RULE_BEHIND, ADDRESS_OF_VIP];
    assert.deepEqual(ran(), set);
    director.removeLocalNode(VIP);
    assert.deepEqual(ran().slice(set.length), [
      'ip route del local 10.9.9.9/32 dev tunvs0 table local proto 84',
      'ip rule del pref 0 to 10.9.9.9/32 lookup main protocol 84',
      'ip rule del pref 0 iif tunvs0 to 10.9.9.9/32 lookup local protocol 84',
      ...demux(1).reverse(),
    ]);
  });

  it('does what all of them share once, and undoes it with the last', () => {
    const { director, host, ran } = opened();
    director.addLocalNode(VIP);
    const first = ran().length;
    director.addLocalNode(VIP);
    assert.equal(ran().length, first);
    director.addLocalNode('10.9.9.8');
    assert.ok(
      !ran()
        .slice(first)
        .some((command) => command.includes('early_demux')),
    );
    director.removeLocalNode(VIP);
    director.removeLocalNode(VIP);
    assert.equal(host.readSysctl('net/ipv4/tcp_early_demux'), '0');
    director.removeLocalNode('10.9.9.8');
    assert.equal(host.readSysctl('net/ipv4/tcp_early_demux'), '1');
    assert.equal(host.readSysctl('net/ipv4/udp_early_demux'), '1');
  });

  it('undoes them on close', () => {
    const { director, host, ran } = opened();
    director.addLocalNode(VIP);
    assert.deepEqual(director.close(), []);
    assert.ok(ran().includes('ip rule del pref 0 to 10.9.9.9/32 lookup main protocol 84'));
    assert.equal(host.readSysctl('net/ipv4/tcp_early_demux'), '1');
  });

  it('gives IPv6 the address itself, which its own clients do not ask from', () => {
    const { director, ran } = opened({ sysctls: IPV6 });
    director.addVip(VIP6);
    const before = ran().length;
    director.addLocalNode(VIP6);
    assert.deepEqual(
      ran()
        .slice(before)
        .filter((command) => command.startsWith('ip') && !command.includes('pref 1')),
      [
        'ip -6 rule add pref 0 iif tunvs0 to 2001:db8:9::9/128 lookup local protocol 84',
        'ip -6 rule add pref 0 to 2001:db8:9::9/128 lookup main protocol 84',
        'ip -6 rule del pref 0 lookup local protocol kernel',
        'ip -6 rule add pref 0 lookup local protocol kernel',
        'ip -6 route replace 2001:db8:9::9/128 dev tunvs0 proto 84 src 2001:db8:2::2 hoplimit 255',
        'ip -6 address replace 2001:db8:9::9/128 dev tunvs0 nodad noprefixroute preferred_lft 0',
      ],
    );
    director.removeLocalNode(VIP6);
    director.removeVip(VIP6);
    assert.deepEqual(
      ran()
        .filter((command) => / del |route (replace|change)/.test(command))
        .slice(-6),
      [
        'ip -6 address del 2001:db8:9::9/128 dev tunvs0',
        'ip -6 route change 2001:db8:9::9/128 dev tunvs0 proto 84',
        'ip -6 rule del pref 0 to 2001:db8:9::9/128 lookup main protocol 84',
        'ip -6 rule del pref 0 iif tunvs0 to 2001:db8:9::9/128 lookup local protocol 84',
        'ip -6 route del 2001:db8:9::9/128 dev tunvs0 proto 84',
        'ip -6 route del unreachable 2001:db8:9::9/128 metric 4294967295 proto 84',
      ],
    );
  });

  const starts: [what: string, rules: object[], ofLocalRule: string[], leftOver?: string[]][] = [
    [
      'finds rules of a director that was killed',
      [
        { priority: 0, src: 'all', dst: VIP, iif: 'tunvs0', iif_detached: null, table: 'local', protocol: '84' },
        { priority: 0, src: 'all', dst: VIP, table: 'main', protocol: '84' },
        { priority: 0, src: 'all', dst: '10.9.9.8', table: 'main', protocol: '84' },
        LOCAL_RULE,
        MAIN_RULE,
      ],
      LOCAL_RULE_BEHIND,
      [
        'ip rule del pref 0 iif tunvs0 to 10.9.9.9/32 lookup local protocol 84',
        'ip rule del pref 0 to 10.9.9.9/32 lookup main protocol 84',
      ],
    ],
    [
      'finds the stand-in of one that was killed half-way',
      [{ ...LOCAL_RULE, priority: 1, protocol: '84' }, MAIN_RULE],
      ['ip rule add pref 0 lookup local protocol kernel', 'ip rule del pref 1 lookup local protocol 84'],
    ],
    ['finds the rule for local addresses put back by others', [{ ...LOCAL_RULE, priority: 100 }, MAIN_RULE], []],
    [
      'finds the rule for local addresses made anew by others',
      [{ ...LOCAL_RULE, protocol: 'boot' }, MAIN_RULE],
      LOCAL_RULE_BEHIND.map((command) => command.replace('kernel', 'boot')),
    ],
    [
      'does not take a rule with a selector for the one for local addresses',
      [{ ...LOCAL_RULE, fwmark: '0x1' }, { ...LOCAL_RULE, priority: 100 }, MAIN_RULE],
      [],
    ],
  ];
  for (const [what, rules, ofLocalRule, leftOver = []] of starts) {
    it(`goes on from there when it ${what}`, () => {
      const { director, ran } = opened({
        rules,
        sysctls: { 'net/ipv4/tcp_early_demux': '0', 'net/ipv4/udp_early_demux': '0' },
      });
      director.addLocalNode(VIP);
      assert.deepEqual(ran(), [...leftOver, ...RULES_OF_VIP, ...ofLocalRule, ADDRESS_OF_VIP]);
    });
  }

  it('keeps the host its own addresses in a range of virtual ones', () => {
    const { director, ran } = opened();
    director.addVip('10.2.0.0/28');
    const before = ran().length;
    director.addLocalNode('10.2.0.0/28');
    const own = ran().slice(before);
    assert.deepEqual(own.filter((command) => command.startsWith('ip rule add pref 0 ')).slice(0, 3), [
      'ip rule add pref 0 to 10.2.0.2/32 lookup local protocol 84',
      'ip rule add pref 0 iif tunvs0 to 10.2.0.0/28 lookup local protocol 84',
      'ip rule add pref 0 to 10.2.0.0/28 lookup main protocol 84',
    ]);
    assert.equal(own.at(-1), 'ip route replace local 10.2.0.0/28 dev tunvs0 table local proto 84');
  });

  it('leaves nothing done when a step fails', () => {
    const { director, host, ran } = opened();
    host.failing = 'route replace local';
    assert.throws(() => director.addLocalNode(VIP), /route replace local/);
    assert.equal(ran().at(-1), 'echo 1 > /proc/sys/net/ipv4/tcp_early_demux');
    assert.equal(
      ran().filter((command) => command.startsWith('ip rule del pref 0 ') && command.includes(VIP)).length,
      2,
    );
    host.failing = undefined;
    director.addLocalNode(VIP);
    assert.equal(ran().at(-1), ADDRESS_OF_VIP);
  });

  it('wants the address to be directed to the device', () => {
    assert.throws(() => opened().director.addLocalNode('10.9.9.7'), { code: 'ERR_TUNVS_CLOSED' });
  });

  it('plans them after the rest', () => {
    const host = new FakeHost({ sysctls: DEMUX, addresses: ADDRESSES });
    const steps = new DirectorHost({ sources: ['10.2.0.2'], host }).plan('tunvs0', [VIP], [VIP]);
    assert.equal(steps.filter(({ command }) => 'write' in command && command.write.includes('early_demux')).length, 2);
    assert.equal(steps.at(-1)?.description, 'let services of this host have 10.9.9.9');
  });
});

describe("an address of the host's own", () => {
  for (const address of ['10.2.0.2', '2001:db8:2::2', '127.0.0.1', '127.8.8.8', '::1'])
    it(`is ${address}`, () => assert.equal(isOwnAddress(address, ADDRESSES), true));
  for (const address of ['10.2.0.3', '128.0.0.1', '12.7.0.1', '2001:db8:2::3'])
    it(`is not ${address}`, () => assert.equal(isOwnAddress(address, ADDRESSES), false));
});
