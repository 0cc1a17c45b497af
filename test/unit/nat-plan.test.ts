/** Rules for replies of NAT servers: what they choose, judged as the kernel judges them, and how few they are. */
import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { natPlan, planFrame, planWays, wantedRules } from '../../lib/host/nat/nat-plan.js';
import { ruleWords, wordsOf } from '../../lib/host/nat/nat-rule.js';
import { type NatServer, natServersOf } from '../../lib/host/nat/nat-server.js';
import { chooseSlot, natSlot } from '../../lib/host/nat/nat-slot.js';
import { commonPrefix, mergedPrefixes } from '../../lib/host/nat/prefixes.js';
import { formatHostCommand, type HostStep } from '../../lib/host/step.js';
import { type Protocol, protocolNumber, protocols } from '../../lib/values/protocol.js';
import { isWithin } from '../../lib/values/prefix.js';
import { FakeHost } from '../support/fake-host.js';

const LAN = { interfaceName: 'eth1', address: '10.2.0.1', prefixLength: 24 };
const plan = { device: 'tunvs0', slot: natSlot(0) };
const web = (address: string, port = 80): NatServer => ({ address, protocols: ['tcp'], port });
const commands = (steps: readonly HostStep[]) => steps.map(({ command }) => formatHostCommand(command));

interface Packet {
  iif: string;
  source: string;
  protocol: number;
  /** Absent in a fragment. */
  port?: number;
  /** Of the host's own ICMP: the type in the upper byte, the code in the lower. */
  icmp?: number;
}

/** Goes through rules as `ip rule add` takes them; returns the table, or `main` when none of them has one. */
function chosen(lines: readonly string[], packet: Packet): string {
  const rules = lines
    .map((line) => {
      const words = line.split(' ');
      const given = (key: string) => (words.includes(key) ? words[words.indexOf(key) + 1] : undefined);
      return { isNot: words[0] === 'not', given, preference: Number(given('pref')), isNop: words.includes('nop') };
    })
    .sort((a, b) => a.preference - b.preference);
  let from = 0;
  for (const { isNot, given, preference, isNop } of rules) {
    if (preference < from || isNop) continue;
    const source = given('from');
    const [first, last = first] = (given('sport') ?? '').split('-').map(Number);
    const [least, most = least] = (given('dport') ?? '').split('-').map(Number);
    const fits =
      (!given('dport') || (packet.icmp !== undefined && packet.icmp >= (least ?? 0) && packet.icmp <= (most ?? 0))) &&
      (given('iif') ?? packet.iif) === packet.iif &&
      (source === undefined || isWithin(packet.source, source)) &&
      Number(given('ipproto') ?? packet.protocol) === packet.protocol &&
      (!given('sport') || (packet.port !== undefined && packet.port >= (first ?? 0) && packet.port <= (last ?? 0)));
    if (fits === isNot) continue;
    const table = given('lookup');
    if (table !== undefined) return table;
    from = Number(given('goto'));
  }
  return 'main';
}

/** What the rules are for. The last port is the one that they may bring in without need. */
function belongs(servers: readonly NatServer[], { iif, source, protocol, port, icmp = 0 }: Packet): boolean {
  if (iif === 'tunvs0') return false;
  if (protocol === 1) return iif === 'eth1' || (iif === 'lo' && icmp >> 8 === 3);
  return servers.some(({ address, protocols: of, port: own, isFtp }) => {
    if (address !== source || !of.some((each) => protocolNumber(each) === protocol)) return false;
    return own === 0 || port === undefined || port === own || port === 65535 || (isFtp === true && protocol === 6);
  });
}

const address = fc.integer({ min: 0, max: 23 }).map((last) => `10.2.0.${last}`);
const port = fc.constantFrom(0, 1, 21, 53, 80, 65534, 65535);
const servers: fc.Arbitrary<NatServer[]> = fc.array(
  fc.record({
    address,
    port,
    protocols: fc.subarray<Protocol>([...protocols], { minLength: 1 }),
    isFtp: fc.boolean(),
  }),
  { minLength: 1, maxLength: 12 },
);
const packet = fc
  .record(
    {
      iif: fc.constantFrom('eth0', 'eth1', 'tunvs0', 'lo'),
      source: fc.oneof(address, fc.constantFrom('198.51.100.1', '10.2.1.1')),
      protocol: fc.constantFrom(1, 6, 17, 132, 47),
      port: fc.constantFrom(1, 21, 52, 53, 54, 80, 81, 65534, 65535),
      icmp: fc.constantFrom(0, 0x2ff, 0x300, 0x304, 0x3ff, 0x400, 0x800, 0xb00),
    },
    { requiredKeys: ['iif', 'source', 'protocol'] },
  )
  .filter(({ protocol, port: given }) => [6, 17, 132].includes(protocol) || given === undefined)
  .filter(({ iif, protocol, icmp }) => (iif === 'lo' && protocol === 1) || icmp === undefined);

describe('rules for replies of NAT servers', () => {
  it('choose the table for what belongs to the servers, and for nothing else', () => {
    const host = new FakeHost({ addresses: [LAN] });
    fc.assert(
      fc.property(servers, fc.array(packet, { minLength: 20, maxLength: 20 }), (list, packets) => {
        const lines = commands(natPlan(host, plan, list))
          .filter((command) => command.startsWith('ip rule add '))
          .map((command) => command.slice('ip rule add '.length));
        assert.equal(new Set(lines).size, lines.length);
        for (const each of packets)
          assert.equal(chosen(lines, each), belongs(list, each) ? '8500' : 'main', JSON.stringify(each));
      }),
      { numRuns: 500 },
    );
  });

  it('are the same whatever the order of the servers, and few for addresses in a row', () => {
    const list = Array.from({ length: 200 }, (_, index) => web(`10.2.0.${index + 1}`));
    const words = (of: readonly NatServer[]) =>
      wantedRules(natSlot(0), of).map(({ rule }) => ruleWords(rule).join(' '));
    assert.deepEqual(words([...list].reverse()).sort(), words(list).sort());
    assert.ok(words(list).length < 25, `${words(list).length} rules`);
  });

  it('name the servers of both families, each with its own ICMP', () => {
    const list = [web('10.2.0.11'), web('2001:db8:2::11')];
    const host = new FakeHost({ addresses: [LAN, { ...LAN, address: '2001:db8:2::1', prefixLength: 64 }] });
    const steps = commands(natPlan(host, plan, list)).filter((command) => !command.startsWith('echo'));
    assert.deepEqual(
      steps.filter((command) => command.includes(' 22 ')),
      [
        'ip rule add pref 22 iif eth1 ipproto 1 lookup 8500 protocol 84',
        'ip -6 rule add pref 22 iif eth1 ipproto 58 lookup 8500 protocol 84',
      ],
    );
    assert.ok(
      steps.includes('ip -6 rule add pref 24 from 2001:db8:2::11/128 ipproto 6 sport 80 lookup 8500 protocol 84'),
    );
    assert.ok(steps.includes('ip -6 route replace default dev tunvs0 table 8500 proto 84'));
  });

  it("take ICMP from every device when a server is behind a router, but not the host's own", () => {
    const host = new FakeHost({ addresses: [LAN] });
    assert.deepEqual(commands(planWays(host, plan, [web('10.77.0.1')], 4)), [
      'ip rule add pref 21 iif lo ipproto 1 goto 27 protocol 84',
      'ip rule add pref 22 ipproto 1 lookup 8500 protocol 84',
    ]);
  });

  it('are recognised as ip(8) prints them, with and without names of protocols', () => {
    const printed = [
      { priority: 20, src: 'all', iif: 'tunvs0', goto: 27, protocol: '84' },
      {
        ...{ priority: 20, src: 'all', iif: 'lo', ipproto: 'icmp', dport_start: 768, dport_end: 1023 },
        ...{ table: '8500', protocol: '84' },
      },
      { priority: 22, src: 'all', iif: 'eth1', ipproto: 'icmp', table: '8500', protocol: '84' },
      { priority: 23, not: null, src: '10.2.0.0', srclen: 24, goto: 27, protocol: '84' },
      { priority: 24, src: '10.2.0.11', ipproto: 'ipproto-6', sport: 80, table: '8500', protocol: '84' },
      { priority: 25, src: 'all', ipproto: 'udp', sport_start: 1, sport_end: 65534, goto: 27, protocol: '84' },
      { priority: 27, src: 'all', nop: null, protocol: '84' },
    ];
    assert.deepEqual(
      printed.map((rule) => wordsOf(rule)?.join(' ')),
      [
        'pref 20 iif tunvs0 goto 27 protocol 84',
        'pref 20 iif lo ipproto 1 dport 768-1023 lookup 8500 protocol 84',
        'pref 22 iif eth1 ipproto 1 lookup 8500 protocol 84',
        'not pref 23 from 10.2.0.0/24 goto 27 protocol 84',
        'pref 24 from 10.2.0.11/32 ipproto 6 sport 80 lookup 8500 protocol 84',
        'pref 25 ipproto 17 sport 1-65534 goto 27 protocol 84',
        'pref 27 nop protocol 84',
      ],
    );
    assert.equal(wordsOf({ priority: 24, table: '8500' }), undefined);
  });

  it('have a rule removed that names the device as it was called before', () => {
    const before = [{ priority: 20, src: 'all', iif: 'tun7', iif_detached: null, goto: 27, protocol: '84' }];
    const host = new FakeHost({ answers: { 'ip -j -4 rule show': JSON.stringify(before) } });
    assert.equal(commands(planFrame(host, plan, 4))[0], 'ip rule del pref 20 iif tun7 goto 27 protocol 84');
  });
});

describe('the slot of a director', () => {
  const slotOn = (rules: readonly object[], answers: Record<string, string> = {}) =>
    chooseSlot(new FakeHost({ answers: { 'ip -j -4 rule show': JSON.stringify(rules), ...answers } }), 'tunvs0');
  const exit = { priority: 20, src: 'all', iif: 'tunvs1', goto: 27, protocol: '84' };

  it('is the first that nobody has', () => {
    assert.deepEqual(slotOn([]), natSlot(0));
    assert.deepEqual(slotOn([exit]), natSlot(1));
    assert.deepEqual(slotOn([{ priority: 24, src: 'all', table: '100' }]), natSlot(1));
    assert.deepEqual(slotOn([{ priority: 500, src: 'all', table: '8500' }]), natSlot(1));
    const used = { 'ip -4 route show table 8500': 'default via 10.2.0.254 dev eth0' };
    assert.deepEqual(slotOn([], used), natSlot(1));
  });

  it('may be that of a killed director, or of this device', () => {
    assert.deepEqual(slotOn([{ ...exit, iif_detached: null }]), natSlot(0));
    assert.deepEqual(slotOn([{ ...exit, iif: 'tunvs0' }]), natSlot(0));
    const errors = { priority: 20, src: 'all', iif: 'lo', ipproto: 'icmp', table: '8500', protocol: '84' };
    assert.deepEqual(slotOn([{ ...exit, iif_detached: null }, errors]), natSlot(0));
    assert.deepEqual(slotOn([exit, errors]), natSlot(1));
    assert.deepEqual(
      slotOn([], { 'ip -4 route show table 8500': 'default dev tunvs0 proto 84 scope link ' }),
      natSlot(0),
    );
  });

  it('is refused when all are taken', () => {
    const all = Array.from({ length: 8 }, (_, number) => ({ ...exit, goto: natSlot(number).end }));
    assert.throws(() => slotOn(all), {
      code: 'ERR_TUNVS_BUSY',
      message: /preferences 20 to 76 .*close another director/,
    });
  });
});

describe('servers of a service', () => {
  const all = [
    { address: '10.2.0.1', port: 8080, forwarding: 'nat' },
    { address: '10.2.0.2', port: 80, forwarding: 'ipip' },
    { address: '10.2.0.3', port: 8080, forwarding: 'snat' },
  ];

  it('count when their replies are translated here', () => {
    assert.deepEqual(natServersOf({ protocol: 'tcp', port: 80 }, all), [
      { address: '10.2.0.1', port: 8080, protocols: ['tcp'] },
    ]);
  });

  it('are those of every protocol behind a mark, and have all of TCP for FTP', () => {
    assert.deepEqual(natServersOf({ protocol: 'ip', port: 0, mark: 1 }, all)[0]?.protocols, ['tcp', 'udp', 'sctp']);
    assert.equal(natServersOf({ protocol: 'tcp', port: 21 }, all)[0]?.isFtp, true);
    assert.equal(natServersOf({ protocol: 'udp', port: 21 }, all)[0]?.isFtp, undefined);
  });
});

describe('addresses as prefixes', () => {
  const addresses = fc.array(
    fc.integer({ min: 0, max: 63 }).map((last) => `10.2.0.${last}`),
    { minLength: 1, maxLength: 64 },
  );

  it('are those addresses and no others, in the fewest prefixes', () => {
    fc.assert(
      fc.property(addresses, (list) => {
        const prefixes = mergedPrefixes(list);
        for (let last = 0; last < 256; last++) {
          const one = `10.2.0.${last}`;
          assert.equal(prefixes.filter((prefix) => isWithin(one, prefix)).length, list.includes(one) ? 1 : 0, one);
        }
        assert.deepEqual(mergedPrefixes([...list].reverse()), prefixes);
        const isPair = (a: string, b: string) => commonPrefix([a, b].map((each) => each.split('/')[0] as string));
        for (const [index, prefix] of prefixes.slice(1).entries()) {
          const before = prefixes[index] as string;
          const [length, other] = [before, prefix].map((each) => Number(each.split('/')[1]));
          if (length !== other) continue;
          assert.notEqual(isPair(before, prefix).split('/')[1], `${(length as number) - 1}`);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('have the longest prefix that holds them all', () => {
    assert.equal(commonPrefix(['10.2.0.11']), '10.2.0.11/32');
    assert.equal(commonPrefix(['10.2.0.11', '10.2.0.12']), '10.2.0.8/29');
    assert.equal(commonPrefix(['10.2.0.1', '192.0.2.1']), '0.0.0.0/0');
    assert.equal(commonPrefix(['2001:db8::1', '2001:db8:0:1::1']), '2001:db8::/63');
    assert.deepEqual(mergedPrefixes(['2001:db8::2', '2001:db8::3', '2001:db8::1']), [
      '2001:db8::1/128',
      '2001:db8::2/127',
    ]);
    assert.deepEqual(mergedPrefixes(['0.0.0.0']), ['0.0.0.0/32']);
  });
});
