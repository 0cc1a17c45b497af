/** A host that is a client of its own virtual addresses: what that takes, and how it is given back. */
import { strict as assert } from 'node:assert';
import { DirectorHost } from '../../lib/host/director-host.js';
import { strictInterfaces } from '../../lib/host/own-clients.js';
import { formatHostCommand } from '../../lib/host/step.js';
import { FakeHost } from '../support/fake-host.js';

const VIP = '10.9.9.9';
const VIP6 = '2001:db8:9::9';
const ROUTE = `ip route replace ${VIP}/32 dev tunvs0 proto 84 hoplimit 255`;
const ROUTE_BEFORE = `ip route change ${VIP}/32 dev tunvs0 proto 84`;
const LOOSE = (name: string) => `echo 2 > /proc/sys/net/ipv4/conf/${name}/rp_filter`;
const RP_FILTER = (name: string) => `net/ipv4/conf/${name}/rp_filter`;

interface Given {
  all?: string;
  eth0?: string;
  eth1?: string;
  sources?: string[];
}

/** The director's address is on eth0, and the default route by eth1. */
function opened({ all = '0', eth0 = '1', eth1 = '1', sources = ['10.2.0.2'] }: Given = {}) {
  const host = new FakeHost({
    addresses: [
      { interfaceName: 'lo', address: '127.0.0.1', prefixLength: 8 },
      { interfaceName: 'eth0', address: '10.2.0.2', prefixLength: 24 },
      { interfaceName: 'eth1', address: '10.4.0.2', prefixLength: 24 },
      { interfaceName: 'eth2', address: '10.5.0.2', prefixLength: 24 },
      { interfaceName: 'eth0', address: '2001:db8:2::2', prefixLength: 64 },
      { interfaceName: 'eth0', address: '2001:db8:2::3', prefixLength: 64 },
    ],
    sysctls: {
      [RP_FILTER('all')]: all,
      [RP_FILTER('lo')]: '1',
      [RP_FILTER('eth0')]: eth0,
      [RP_FILTER('eth1')]: eth1,
      [RP_FILTER('eth2')]: '1',
      'net/ipv6/conf/all/disable_ipv6': '0',
    },
    answers: { 'ip -4 route show default': 'default via 10.4.0.1 dev eth1 \n' },
  });
  const director = new DirectorHost({ sources, host });
  director.open('tunvs0');
  const since = <T>(run: () => T): string[] => {
    const before = host.ran.length;
    run();
    return host.ran.slice(before);
  };
  return { host, director, since };
}

describe("what the host's own clients of a virtual address need", () => {
  it('is loose rp_filter where replies come in, and the highest TTL; both are given back', () => {
    const { director, since } = opened();
    director.addVip(VIP);
    assert.deepEqual(
      since(() => director.addOwnClients([VIP])),
      [LOOSE('eth0'), LOOSE('eth1'), ROUTE],
    );
    assert.deepEqual(
      since(() => director.removeOwnClients([VIP])),
      [
        ROUTE_BEFORE,
        'echo 1 > /proc/sys/net/ipv4/conf/eth1/rp_filter',
        'echo 1 > /proc/sys/net/ipv4/conf/eth0/rp_filter',
      ],
    );
  });

  const interfaces: [what: string, given: Given, loose: string[]][] = [
    ['are left alone where they are loose or off', { eth0: '2', eth1: '0' }, []],
    ['are strict by the value for all of them', { all: '1', eth0: '0', eth1: '0' }, ['eth0', 'eth1']],
    ['are loose by the value for all of them', { all: '2' }, []],
    ['are those of the default route when the sources are a range', { sources: ['10.2.0.0/28'] }, ['eth1']],
  ];
  for (const [what, given, loose] of interfaces) {
    it(`interfaces ${what}`, () => {
      const { director, since } = opened(given);
      director.addVip(VIP);
      const ran = since(() => director.addOwnClients([VIP]));
      assert.deepEqual(
        ran.filter((command) => command.includes('rp_filter')),
        loose.map(LOOSE),
      );
    });
  }

  it('is no rp_filter for IPv6', () => {
    const { director, since } = opened();
    director.addVip(VIP6);
    assert.deepEqual(
      since(() => director.addOwnClients([VIP6])),
      [`ip -6 route replace ${VIP6}/128 dev tunvs0 proto 84 hoplimit 255`],
    );
  });

  it('is one route with what a local node needs, until the last of both', () => {
    const { director, since } = opened({ sources: ['2001:db8:7::7', '2001:db8:2::2', '2001:db8:2::3'] });
    const route = `ip -6 route replace ${VIP6}/128 dev tunvs0 proto 84 src 2001:db8:2::2 hoplimit 255`;
    const before = `ip -6 route change ${VIP6}/128 dev tunvs0 proto 84`;
    director.addVip(VIP6);
    const routes = (run: () => void) => since(run).filter((command) => command.startsWith('ip -6 route'));
    assert.deepEqual(
      routes(() => director.addLocalNode(VIP6)),
      [route],
    );
    assert.deepEqual(
      routes(() => director.addOwnClients([VIP6])),
      [route],
    );
    assert.deepEqual(
      routes(() => director.removeLocalNode(VIP6)),
      [],
    );
    assert.deepEqual(
      routes(() => director.removeOwnClients([VIP6])),
      [before],
    );
  });

  it('is there for as long as somebody wants it', () => {
    const { director, since } = opened();
    director.addVip(VIP);
    director.addOwnClients([VIP]);
    assert.deepEqual(
      since(() => director.addOwnClients([VIP])),
      [],
    );
    assert.deepEqual(
      since(() => director.removeOwnClients([VIP])),
      [],
    );
    assert.ok(since(() => director.removeOwnClients([VIP])).includes(ROUTE_BEFORE));
  });

  it('comes and goes with the address that is directed to the device', () => {
    const { director, since } = opened();
    assert.deepEqual(
      since(() => director.addOwnClients([VIP])),
      [],
    );
    assert.deepEqual(since(() => director.addVip(VIP)).slice(-3), [LOOSE('eth0'), LOOSE('eth1'), ROUTE]);
    assert.equal(since(() => director.removeVip(VIP))[0], ROUTE_BEFORE);
    assert.ok(since(() => director.addVip(VIP)).includes(ROUTE));
  });

  it('leaves nothing behind when it cannot be had', () => {
    const { host, director, since } = opened();
    director.addVip(VIP);
    host.failing = 'hoplimit';
    assert.throws(() => director.addOwnClients([VIP]), /hoplimit/);
    host.failing = undefined;
    assert.equal(host.readSysctl(RP_FILTER('eth0')), '1');
    assert.ok(since(() => director.addOwnClients([VIP])).includes(ROUTE));
  });

  it('is put back when it is missing', () => {
    const { host, director } = opened({ eth1: '0' });
    director.addVip(VIP);
    director.addOwnClients([VIP]);
    const links = ['eth0', 'tunvs0'].map((ifname, index) => ({
      ifindex: index + 2,
      ifname,
      flags: ['UP'],
      mtu: 1480,
      txqlen: 4096,
    }));
    const route = { dst: VIP, dev: 'tunvs0' };
    const unreachable = { type: 'unreachable', dst: VIP, metric: 4294967295 };
    const missing = (...routes: object[]) => {
      host.answers['ip -j -4 link show'] = JSON.stringify(links);
      host.answers['ip -j -4 route show table all proto 84'] = JSON.stringify(routes);
      return director.missing(host.takeSnapshot()).map(({ step }) => formatHostCommand(step.command));
    };
    assert.deepEqual(missing(unreachable, { ...route, metrics: [{ hoplimit: 255 }] }), []);
    assert.deepEqual(missing(unreachable, route), [ROUTE]);
    assert.deepEqual(missing(unreachable), [ROUTE.replace(' hoplimit 255', ''), ROUTE]);
    host.sysctls.set(RP_FILTER('eth0'), '1');
    assert.deepEqual(missing(unreachable, { ...route, metrics: [{ hoplimit: 255 }] }), [LOOSE('eth0')]);
  });

  it('goes with everything else', () => {
    const { host, director } = opened();
    director.addVip(VIP);
    director.addOwnClients([VIP]);
    assert.deepEqual(director.close(), []);
    assert.equal(host.readSysctl(RP_FILTER('eth0')), '1');
    director.removeOwnClients([VIP]);
  });

  it('names the interfaces on which rp_filter is strict', () => {
    const { host } = opened({ eth0: '2' });
    assert.deepEqual(strictInterfaces(host, ['eth2']), ['eth1']);
  });
});

describe('checks of addresses that are held back', () => {
  const RULE = (protocol: number) => `pref 19 iif lo ipproto ${protocol} sport 61000-65534 lookup 8499 protocol 84`;
  const RULES = (verb: string) => [`ip rule ${verb} ${RULE(6)}`, `ip rule ${verb} ${RULE(17)}`];
  const ASIDE = `${VIP}/32 dev tunvs0 table 8499 proto 84`;

  it('have a route of their own by rules for their source ports, and loose rp_filter', () => {
    const { director, since } = opened();
    director.holdBack(new Set([VIP, '10.9.9.10']));
    assert.deepEqual(
      since(() => director.addOwnClients([VIP])),
      [LOOSE('eth0'), LOOSE('eth1'), ...RULES('add'), `ip route replace ${ASIDE} hoplimit 255`],
    );
    assert.deepEqual(
      since(() => director.removeOwnClients([VIP])),
      [
        `ip route del ${ASIDE}`,
        ...RULES('del').reverse(),
        'echo 1 > /proc/sys/net/ipv4/conf/eth1/rp_filter',
        'echo 1 > /proc/sys/net/ipv4/conf/eth0/rp_filter',
      ],
    );
  });

  it('change over to the plain route when the host answers for the address, and back', () => {
    const { director, since } = opened({ eth0: '0', eth1: '0' });
    director.addOwnClients([VIP]);
    director.holdBack(new Set([VIP]));
    assert.deepEqual(
      since(() => {
        director.addVips([VIP]);
        director.holdBack(new Set());
      }).filter((command) => command.startsWith('ip r')),
      [
        `ip route replace unreachable ${VIP}/32 metric 4294967295 proto 84`,
        `ip route replace ${VIP}/32 dev tunvs0 proto 84`,
        ROUTE,
        `ip route del ${ASIDE}`,
        ...RULES('del').reverse(),
      ],
    );
    assert.deepEqual(
      since(() => {
        director.holdBack(new Set([VIP]));
        director.removeVips([VIP]);
      }).filter((command) => command.startsWith('ip r')),
      [
        ...RULES('add'),
        `ip route replace ${ASIDE} hoplimit 255`,
        ROUTE_BEFORE,
        `ip route del ${VIP}/32 dev tunvs0 proto 84`,
        `ip route del unreachable ${VIP}/32 metric 4294967295 proto 84`,
      ],
    );
  });

  it('are not asked for again and again where the kernel has no such rules', () => {
    const { host, director } = opened({ eth0: '0', eth1: '0' });
    host.failing = 'pref 19';
    director.holdBack(new Set([VIP]));
    assert.throws(() => director.addOwnClients([VIP]), /pref 19/);
    host.failing = undefined;
    assert.throws(() => director.addOwnClients([VIP]), /pref 19/);
    director.holdBack(new Set([VIP]));
    assert.doesNotThrow(() => director.addOwnClients([VIP]));
  });

  it('are nothing without checks', () => {
    const { director, since } = opened();
    assert.deepEqual(
      since(() => director.holdBack(new Set([VIP]))),
      [],
    );
  });
});
