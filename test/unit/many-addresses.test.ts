import { strict as assert } from 'node:assert';
import { DirectorHost } from '../../lib/host/director-host.js';
import { FakeHost, type FakeHostOptions } from '../support/fake-host.js';

const LAN = { interfaceName: 'eth0', address: '10.2.0.2', prefixLength: 16 };
const VIPS = Array.from({ length: 100 }, (_, index) => `10.2.7.${index + 1}`);

function directorHost(options: FakeHostOptions = {}): { host: FakeHost; director: DirectorHost } {
  const host = new FakeHost({ addresses: [LAN], ...options });
  return { host, director: new DirectorHost({ sources: ['10.2.0.2'], host }) };
}

describe('many virtual addresses', () => {
  it('are checked and planned with a few questions to the host', () => {
    const { host, director } = directorHost();
    director.check('tunvs0', VIPS, []);
    director.plan('tunvs0', VIPS, VIPS);
    assert.ok(host.asked.length < 10, host.asked.join('\n'));
  });

  it('are added with a few questions and a few runs of ip(8), and removed again', () => {
    const { host, director } = directorHost();
    director.open('tunvs0');
    const [asked, ran, runs] = [host.asked.length, host.ran.length, host.runs];
    director.addVips(VIPS);
    assert.ok(host.asked.length - asked < 10, host.asked.join('\n'));
    assert.equal(host.runs - runs, 1);
    assert.equal(host.ran.length - ran, 3 * VIPS.length);
    director.removeVips(VIPS);
    assert.equal(host.runs - runs, 2);
    const undone = host.ran.slice(ran).filter((command) => / del /.test(command));
    assert.equal(undone.length, 3 * VIPS.length);
    assert.equal(undone[0], 'ip neigh del proxy 10.2.7.100 dev eth0');
  });

  const refusals = {
    'an address of the host': {
      answers: {
        'ip -4 -o address show': '1: lo inet 127.0.0.1/8 scope host lo\n3: eth1    inet 10.2.7.9/24 scope global',
      },
      message: /"ip address del 10\.2\.7\.9\/24 dev eth1"/,
    },
    'a route of the host': {
      answers: { 'ip -4 route show': 'default via 10.2.0.1 dev eth0\n10.2.7.9 via 10.2.0.1 dev eth0 proto static \n' },
      message: /"ip route del 10\.2\.7\.9 via 10\.2\.0\.1 dev eth0 proto static"/,
    },
    'a route that leads nowhere': {
      answers: { 'ip -4 route show': 'blackhole 10.2.7.9 \n' },
      message: /"ip route del blackhole 10\.2\.7\.9"/,
    },
    'the route of another director': {
      answers: { 'ip -4 route show': '10.2.7.9 dev tunvs1 proto 84 scope link \n' },
      message: /10\.2\.7\.9 is served by the director on tunvs1/,
    },
  };
  for (const [what, { answers, message }] of Object.entries(refusals)) {
    it(`are refused, all of them, for ${what}`, () => {
      const { host, director } = directorHost({ answers });
      director.open('tunvs0');
      const ran = host.ran.length;
      assert.throws(() => director.check('tunvs0', VIPS, []), { message });
      assert.throws(() => director.addVips(VIPS), { message });
      assert.deepEqual(host.ran.slice(ran), []);
    });
  }

  it('are free of routes with a worse metric, of other prefixes, and of next hops', () => {
    const routes = [
      'blackhole 10.2.7.9 metric 4000',
      '10.2.7.0/24 via 10.2.0.1 dev eth0',
      '10.2.7.8 metric 4000',
      '\tnexthop via 10.2.0.1 dev eth0 weight 1',
    ];
    const { director } = directorHost({ answers: { 'ip -4 route show': routes.join('\n') } });
    assert.doesNotThrow(() => director.check('tunvs0', VIPS, []));
  });

  it('are refused for an IPv6 address or route that is written in another way', () => {
    const vips = ['2001:db8:9::9', '2001:db8:9::a'];
    const sysctls = { 'net/ipv6/conf/all/disable_ipv6': '0' };
    const check = (answers: Record<string, string>) => () =>
      directorHost({ sysctls, answers }).director.check('tunvs0', vips, []);
    const route = '2001:db8:9:0::a via fe80::1 dev eth0 metric 1024 pref medium';
    assert.throws(check({ 'ip -6 route show': route }), /routes 2001:db8:9::a elsewhere/);
    assert.throws(check({ 'ip -6 -o address show': '3: eth1    inet6 2001:db8:9::a/64 scope global' }), /dev eth1/);
  });

  it('need what another director of the host has set up for them, and keep it', () => {
    const sysctls = { 'net/ipv6/conf/all/disable_ipv6': '0', 'net/ipv6/conf/all/forwarding': '0' };
    const { host, director } = directorHost({ sysctls });
    const other = new DirectorHost({ sources: ['10.2.0.2'], host });
    director.open('tunvs0');
    other.open('tunvs1');
    director.addVips(['2001:db8:9::1', '2001:db8:9::2']);
    other.addVips(['2001:db8:9::3', '2001:db8:9::4']);
    director.close();
    assert.equal(host.sysctls.get('net/ipv6/conf/all/forwarding'), '1');
    other.close();
    assert.equal(host.sysctls.get('net/ipv6/conf/all/forwarding'), '0');
  });

  it('leave nothing behind when the host takes one of them only', () => {
    const { host, director } = directorHost();
    director.open('tunvs0');
    const ran = host.ran.length;
    host.failing = 'route replace 10.2.7.50/32';
    assert.throws(() => director.addVips(VIPS), /10\.2\.7\.50\/32/);
    const [made, undone] = [/ replace /, / del /].map(
      (verb) => host.ran.slice(ran).filter((command) => verb.test(command)).length,
    );
    assert.equal(made, 3 * VIPS.length - 1);
    assert.equal(undone, made);
    host.failing = undefined;
    assert.doesNotThrow(() => director.addVips(VIPS));
  });
});
