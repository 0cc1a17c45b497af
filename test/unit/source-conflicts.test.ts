/** The sources of full NAT are addresses that the director picks itself, so none may be of use to anybody else. */
import { strict as assert } from 'node:assert';
import { DirectorHost } from '../../lib/host/director-host.js';
import { answersTo } from '../../lib/host/source-ways.js';
import { FakeHost } from '../support/fake-host.js';

const LAN = { interfaceName: 'eth0', address: '10.2.0.2', prefixLength: 24 };
const SYSCTLS = { 'net/ipv6/conf/all/disable_ipv6': '0' };

const ROUTES = [
  'default via 10.2.0.254 dev eth0 ',
  '10.2.0.0/24 dev eth0 proto kernel scope link src 10.2.0.2 ',
  '10.7.0.0/16 proto bird ',
  '\tnexthop via 10.2.0.77 dev eth0 weight 1 ',
  '\tnexthop via 10.2.0.78 dev eth0 weight 1 ',
  '10.2.1.64/29 via 10.2.0.13 dev eth0 ',
  'blackhole 10.2.1.96/30 ',
  '10.2.1.130 dev tunvs1 proto 84 scope link ',
  '10.2.1.140 dev tunvs0 proto 84 scope link ',
  'unreachable 10.2.1.140 proto 84 metric 4294967295 ',
].join('\n');

const addressRow = (ifname: string, ...addresses: [string, number][]) => ({
  ...{ ifname, flags: ['UP'], ifindex: 2, mtu: 1500 },
  addr_info: addresses.map(([local, prefixlen]) => ({ local, prefixlen })),
});

function opened(): { host: FakeHost; director: DirectorHost } {
  const rows4 = [
    addressRow('lo', ['127.0.0.1', 8], ['10.2.2.5', 32], ['10.2.3.1', 24]),
    addressRow('eth0', ['10.2.0.2', 24]),
    addressRow('tunvs0', ['10.2.5.1', 32]),
  ];
  const host = new FakeHost({
    sysctls: SYSCTLS,
    addresses: [LAN],
    answers: {
      'ip -j -4 address show': JSON.stringify(rows4),
      'ip -j -6 address show': JSON.stringify([addressRow('eth0', ['2001:db8:2:0:1::2', 64])]),
      'ip -4 route show': ROUTES,
      'ip -6 route show': 'default via fe80::1 dev eth0 metric 1024 pref medium\n',
    },
  });
  const director = new DirectorHost({ sources: ['10.2.0.2'], host });
  director.open('tunvs0');
  return { host, director };
}

const refused: [source: string, said: RegExp, code?: string][] = [
  [
    '10.2.2.0/28',
    /^10\.2\.2\.5 of the source 10\.2\.2\.0\/28 is an address of this host, on lo.*address del 10\.2\.2\.5\/32/,
  ],
  ['10.2.3.128/28', /lies in 10\.2\.3\.1\/24 on lo/],
  ['10.2.0.252/30', /10\.2\.0\.255 of the source .* is the broadcast address of 10\.2\.0\.0\/24 on eth0/],
  ['10.2.0.255', /^the source 10\.2\.0\.255 is the broadcast address/],
  ['10.2.0.0', /^the source 10\.2\.0\.0 is the network address of 10\.2\.0\.0\/24/],
  ['10.2.0.254', /^the source 10\.2\.0\.254 is a next hop of this host \("default via 10\.2\.0\.254 dev eth0"\)/],
  ['10.2.0.76/30', /10\.2\.0\.77 of the source 10\.2\.0\.76\/30 is a next hop/],
  [
    '10.2.1.64/28',
    /routes 10\.2\.1\.64\/29 of the source .* "ip route del 10\.2\.1\.64\/29 via 10\.2\.0\.13 dev eth0"/,
  ],
  ['10.2.1.96/29', /"ip route del blackhole 10\.2\.1\.96\/30"/],
  ['10.2.1.128/29', /10\.2\.1\.130 of the source .* is served by the director on tunvs1/, 'ERR_TUNVS_BUSY'],
  ['2001:db8:2::', /is the anycast address of routers of 2001:db8:2::\/64/],
];

describe('sources of full NAT', () => {
  for (const [source, said, code = 'ERR_TUNVS_HOST'] of refused) {
    it(`are not ${source}, on opening and for --dry-run`, () => {
      const { host, director } = opened();
      const before = host.ran.length;
      assert.throws(() => director.setNatSources(['10.9.0.0/28', source]), { code, message: said });
      assert.deepEqual(host.ran.slice(before), []);
      assert.throws(() => director.check('tunvs0', [], [], [source]), { code, message: said });
    });
  }

  it('may be others of those subnets, and near those routes', () => {
    const { director } = opened();
    director.setNatSources([
      ...['10.2.0.248/30', '10.2.0.4', '10.2.1.72/29', '10.2.1.136/29'],
      // An address of the director's own device, and the first one of a range, which is not used.
      ...['10.2.5.0/31', '2001:db8:2::/120'],
    ]);
  });

  it('are told of once the host gets one of them, with the length that the address has', () => {
    const { host, director } = opened();
    director.addVip('10.2.0.99');
    director.setNatSources(['10.2.6.0/28', '10.2.0.75']);
    const conflicts = (...rows: object[]) => {
      host.answers['ip -j -4 address show'] = JSON.stringify(rows);
      return director.conflicts(host.takeSnapshot());
    };
    assert.deepEqual(conflicts(addressRow('eth0', ['10.2.0.2', 24]), addressRow('tunvs0', ['10.2.6.1', 32])), []);
    const [own, ...others] = conflicts(addressRow('eth0', ['10.2.6.3', 30], ['10.2.0.75', 24]));
    assert.match(own ?? '', /10\.2\.6\.3 of the source 10\.2\.6\.0\/28 .* "ip address del 10\.2\.6\.3\/30 dev eth0"/);
    assert.match(others.join('\n'), /the source 10\.2\.0\.75 is an .* "ip address del 10\.2\.0\.75\/24 dev eth0"/);
    assert.match(
      conflicts(addressRow('eth0', ['10.2.0.99', 24])).join('\n'),
      /"ip address del 10\.2\.0\.99\/24 dev eth0"/,
    );
  });
});

describe('the ways of sources', () => {
  it('are matched with the questions, of which some have no answer', () => {
    const addresses = ['10.2.6.1', '10.2.6.2', '10.2.6.3'];
    const ways = answersTo(
      addresses,
      '[{"dst":"10.2.6.0/28","dev":"tunvs0"}]\n[{"dst":"10.2.6.2/31","gateway":"10.2.0.13","dev":"eth0"}]\n',
      'RTNETLINK answers: No route to host\nCommand failed -:2\n',
    );
    assert.deepEqual(
      ways.map((way) => way?.dev),
      ['tunvs0', undefined, 'eth0'],
    );
    assert.deepEqual(answersTo(addresses, '', 'ip: killed'), []);
  });
});
