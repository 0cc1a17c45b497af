/** What is held for NAT servers as they come and go, in how many runs of ip(8), and what failures leave. */
import { strict as assert } from 'node:assert';
import { keepsRoutesOf } from '../../lib/director/routed-methods.js';
import { RoutedPrefixes } from '../../lib/director/routed-prefixes.js';
import type { VirtualService } from '../../lib/director/virtual-service.js';
import { DirectorHost } from '../../lib/host/director-host.js';
import type { NatServer } from '../../lib/host/nat/nat-server.js';
import { formatHostCommand } from '../../lib/host/step.js';
import { fakeConfiguration } from '../support/fake-configuration.js';
import { FakeHost } from '../support/fake-host.js';

const LAN = { interfaceName: 'eth1', address: '10.2.0.1', prefixLength: 16 };
const SYSCTLS = {
  'net/ipv4/ip_forward': '1',
  'net/ipv4/conf/all/send_redirects': '1',
  'net/ipv4/conf/eth1/send_redirects': '1',
};
const web = (address: string, port = 80): NatServer => ({ address, protocols: ['tcp'], port });

function opened(sysctls: Record<string, string> = SYSCTLS) {
  const host = new FakeHost({ addresses: [LAN], sysctls: { ...sysctls } });
  const director = new DirectorHost({ sources: ['10.2.0.1'], host });
  director.open('tunvs0');
  host.ran.length = 0;
  host.runs = 0;
  return { host, director };
}

/** Returns what is there of what was made, as the commands that make it. */
function left(ran: readonly string[]): string[] {
  const there = new Set<string>();
  for (const command of ran) {
    const made = command.replace(/ (del|replace) /, ' add ');
    if (command.includes(' del ')) assert.ok(there.delete(made), `${command} removes what is not there`);
    else if (!command.startsWith('echo')) there.add(made);
  }
  return [...there].sort();
}

describe('routing for NAT servers', () => {
  it('is nothing without a server', () => {
    const { host, director } = opened();
    director.setNatServers([]);
    assert.deepEqual(host.ran, []);
    assert.ok(!director.plan('tunvs0').some(({ command }) => formatHostCommand(command).includes('rule')));
  });

  it('is what --dry-run shows', () => {
    const { host, director } = opened();
    const servers = [web('10.2.0.11'), web('10.2.0.12', 8080)];
    const planned = director
      .plan('tunvs0', [], [], [], { servers })
      .map(({ command }) => formatHostCommand(command))
      .filter((command) => / (rule|8500) |send_redirects/.test(command));
    director.setNatServers(servers);
    assert.deepEqual(host.ran, planned);
    assert.ok(planned.length > 8);
  });

  it('is the same whichever way the servers came, and gone with the last of them', () => {
    const final = [web('10.2.0.12'), web('10.2.0.13'), web('10.77.0.1', 8080)];
    const { host, director } = opened();
    director.setNatServers(final);
    const wanted = left(host.ran);
    const other = opened();
    for (const servers of [[web('10.2.0.11')], [web('10.2.0.11'), web('10.2.0.12')], final.slice(1), final])
      other.director.setNatServers(servers);
    assert.deepEqual(left(other.host.ran), wanted);
    other.director.setNatServers([]);
    assert.deepEqual(left(other.host.ran), []);
    assert.equal(other.host.readSysctl('net/ipv4/conf/eth1/send_redirects'), '1');
    director.close();
    assert.deepEqual(left(host.ran.filter((command) => command.includes('8500') || command.includes('rule'))), []);
    assert.equal(host.readSysctl('net/ipv4/conf/all/send_redirects'), '1');
  });

  it('takes a few runs of ip(8) for hundreds of servers, and few questions for each that comes', () => {
    const { host, director } = opened();
    // No two addresses make a prefix.
    const many = Array.from({ length: 600 }, (_, index) => web(`10.2.${index >> 6}.${(index & 63) * 2}`, 1000 + index));
    director.setNatServers(many);
    assert.ok(host.runs <= 2, `${host.runs} runs`);
    const asked = host.asked.length;
    host.ran.length = 0;
    director.setNatServers([...many, web('10.2.200.1', 99)]);
    assert.ok(host.asked.length - asked <= 2, host.asked.slice(asked).join('\n'));
    assert.ok(host.ran.length <= 4, host.ran.join('\n'));
    director.setNatServers([...many, web('10.2.200.1', 99)]);
    assert.ok(host.ran.length <= 4);
  });

  for (const failing of ['goto 27', 'default dev tunvs0', 'send_redirects', 'sport 8080', 'from 10.2.0.12/32']) {
    it(`is as it was when "${failing}" fails`, () => {
      const { host, director } = opened();
      director.setNatServers([]);
      host.failing = failing;
      assert.throws(() => director.setNatServers([web('10.2.0.12', 8080)]), /failed/);
      host.failing = undefined;
      assert.deepEqual(left(host.ran), []);
      director.setNatServers([web('10.2.0.12', 8080)]);
      assert.ok(left(host.ran).some((command) => command.includes('sport 8080')));
    });
  }

  describe('of which another director has rules as well', () => {
    const exit = { priority: 20, src: 'all', iif: 'other0', goto: 27, protocol: '84' };
    const reply = (of: object) => ({ priority: 24, table: '8500', ipproto: 'tcp', protocol: '84', ...of });
    const end = { priority: 27, src: 'all', protocol: '84' };
    /** Opens a director beside one that has these rules, and returns what it says of these servers. */
    function beside(rules: readonly object[], servers: readonly NatServer[]) {
      const { host, director } = opened();
      const said: { message: string; holds: () => boolean }[] = [];
      director.onWarning = (message, holds) => said.push({ message, holds });
      host.answers['ip -j -4 rule show'] = JSON.stringify(rules);
      director.setNatServers(servers);
      return { host, director, said };
    }

    it('is said with the mend, for as long as it is so', () => {
      const { host, director, said } = beside(
        [exit, reply({ src: '10.2.0.10', srclen: 31, sport: 80 }), end],
        [web('10.2.0.11'), web('10.2.0.12')],
      );
      assert.deepEqual(
        said.map(({ message }) => message),
        [
          'replies of NAT servers are those of the director of other0 as well (10.2.0.11 tcp port 80): that director ' +
            "gets them first and drops those of connections of this one: open that director with unmatchedReplies: 'pass', " +
            'or let each director have servers or ports of its own',
        ],
      );
      assert.ok(said[0]?.holds());
      host.answers['ip -j -4 rule show'] = '[]';
      assert.ok(!said[0]?.holds());
      host.answers['ip -j -4 rule show'] = null;
      assert.ok(said[0]?.holds(), 'it is not known to be otherwise');
      director.setNatServers([]);
      assert.ok(!said[0]?.holds());
    });

    it('is said of every port, and names some of many', () => {
      const { said } = beside(
        [exit, reply({ src: '10.2.0.0', srclen: 24 }), end],
        [1, 3, 5, 7, 9].map((last) => web(`10.2.0.${last}`, 8000 + last)),
      );
      assert.match(said[0]?.message ?? '', /\(10\.2\.0\.1 tcp port 8001, .* port 8003, .* port 8005, 2 more\)/);
    });

    it('is not said of other servers, ports and protocols, nor of its own rules', () => {
      const others = [{ src: '10.2.0.12' }, { src: '10.2.0.11', sport: 81 }, { src: '10.2.0.11', ipproto: 'udp' }];
      assert.deepEqual(beside([exit, ...others.map(reply), end], [web('10.2.0.11')]).said, []);
      const gone = [{ ...exit, iif_detached: null }, reply({ src: '10.2.0.11', sport: 80 }), end];
      assert.deepEqual(beside(gone, [web('10.2.0.11')]).said, []);
      // What a killed director has left in the slot is taken away.
      const left = [{ ...exit, iif: 'tunvs0' }, reply({ src: '10.2.0.11', sport: 80 }), end];
      assert.deepEqual(beside(left, [web('10.2.0.11')]).said, []);
    });

    it('is said by a director that comes later and has an earlier slot, in which it gets them first', () => {
      const later = [
        { ...exit, goto: 34 },
        { ...reply({ src: '10.2.0.11', sport: 80 }), priority: 31, table: '8501' },
        { ...end, priority: 34 },
      ];
      const { said } = beside(later, [web('10.2.0.11')]);
      assert.match(said[0]?.message ?? '', /this director gets them first .* open this director with unmatchedReplies/);
    });
  });

  it('keeps the servers that there were when another cannot be added', () => {
    const { host, director } = opened();
    director.setNatServers([web('10.2.0.11')]);
    const before = left(host.ran);
    host.failing = 'sport 8080';
    assert.throws(() => director.setNatServers([web('10.2.0.11'), web('10.2.0.12', 8080)]), /failed/);
    assert.deepEqual(left(host.ran), before);
  });

  it('holds sources of full NAT as virtual addresses, even one that is both', () => {
    const { host, director } = opened();
    director.addVip('10.9.9.9');
    director.setNatSources(['10.9.9.9', '10.9.8.0/31']);
    director.removeVip('10.9.9.9');
    assert.ok(left(host.ran).includes('ip route add 10.9.9.9/32 dev tunvs0 proto 84'));
    director.setNatSources(['10.9.8.0/31']);
    assert.deepEqual(left(host.ran), [
      'ip route add 10.9.8.0/31 dev tunvs0 proto 84',
      'ip route add unreachable 10.9.8.0/31 metric 4294967295 proto 84',
    ]);
    assert.throws(() => {
      host.answers['ip -4 -o address show to 10.2.0.1/32'] = '2: eth1    inet 10.2.0.1/16 scope global eth1';
      director.setNatSources(['10.2.0.1']);
    }, /is an address of this host/);
  });
});

describe('NAT servers of a configuration', () => {
  it('are those that it has, and those that the director has not forgotten', () => {
    const forwarding = 'nat';
    const fake = fakeConfiguration();
    const addresses = () => fake.natServers.map(({ address }) => address);
    const web = fake.configuration.addVirtualService({ protocol: 'tcp', address: '192.0.2.1', port: 80 });
    const one = web.addRealServer({ address: '10.2.0.1', port: 8080, forwarding });
    web.addRealServer({ address: '10.2.0.2' });
    assert.deepEqual(addresses(), ['10.2.0.1']);
    const two = web.addRealServer({ address: '10.2.0.3' });
    two.edit({ forwarding });
    assert.deepEqual(addresses(), ['10.2.0.1', '10.2.0.3']);
    fake.knownNatServers = [{ address: '10.2.0.3', port: 80, protocols: ['tcp'] }];
    two.edit({ forwarding: 'ipip' });
    assert.deepEqual(addresses(), ['10.2.0.1', '10.2.0.3']);
    two.delete();
    one.delete();
    assert.deepEqual(addresses(), ['10.2.0.3']);
  });

  it('change the host, and so do local ones; others do not', () => {
    assert.deepEqual(
      [
        ['nat', 'nat'],
        ['ipip', 'dr'],
        ['ipip', 'nat'],
        ['local', 'ipip'],
        ['nat', 'local'],
      ].map(([before, now]) => keepsRoutesOf(before as string, now as string)),
      [true, true, false, false, false],
    );
  });

  interface FakeService {
    protocol: 'tcp';
    address: string;
    port: number;
    hasLocalServer: boolean;
    forwardedServers: { address: string; port: number; forwarding: string }[];
  }
  const service = (...servers: [string, string][]): FakeService => ({
    ...{ protocol: 'tcp', address: '192.0.2.1', port: 80, hasLocalServer: false },
    forwardedServers: servers.map(([address, forwarding]) => ({ address, port: 80, forwarding })),
  });

  function prefixes() {
    const calls: string[][] = [];
    const lists: (readonly NatServer[])[] = [];
    const refuses = { when: (_: readonly NatServer[]) => false };
    const nothing = () => {};
    const knowledge = { known: [] as NatServer[], looks: new Set<() => void>() };
    const routed = new RoutedPrefixes({
      ...{ role: 'active' as const, natSources: [] },
      routes: {
        ...{ addVips: nothing, removeVips: nothing, addLocalNode: nothing, removeLocalNode: nothing },
        ...{ setNatSources: nothing, holdBack: nothing },
        setNatServers: (servers) => {
          if (refuses.when(servers)) throw new Error('refused');
          calls.push(servers.map(({ address }) => address));
          lists.push(servers);
        },
      },
      knowledge: {
        known: () => knowledge.known,
        every: (_, run) => {
          knowledge.looks.add(run);
          return () => knowledge.looks.delete(run);
        },
      },
    });
    const begin = (services: FakeService[]) => routed.begin(services as unknown as VirtualService[], []);
    return { calls, lists, refuses, begin, knowledge };
  }

  it('come before the change is in force, and go after it', () => {
    const { calls, begin } = prefixes();
    begin([service(['10.2.0.1', 'nat'], ['10.2.0.2', 'ipip'])]).done();
    const change = begin([service(['10.2.0.3', 'nat'])]);
    assert.deepEqual(calls.splice(0), [['10.2.0.1'], ['10.2.0.1'], ['10.2.0.1', '10.2.0.3']]);
    change.done();
    assert.deepEqual(calls.splice(0), [['10.2.0.3']]);
    begin([]).undo();
    assert.deepEqual(calls.splice(0), [['10.2.0.3'], ['10.2.0.3']]);
    begin([service(['10.2.0.3', 'nat'])]).done();
    assert.deepEqual(calls, []);
  });

  it('are named once, however many services have them', () => {
    const { calls, begin } = prefixes();
    begin([service(['10.2.0.1', 'nat']), service(['10.2.0.1', 'nat'])]).done();
    assert.deepEqual(calls.splice(0), [['10.2.0.1'], ['10.2.0.1']]);
    begin([service(['10.2.0.1', 'nat'])]).done();
    assert.deepEqual(calls, []);
  });

  it('are told apart where one of them serves FTP', () => {
    const { lists, begin } = prefixes();
    const ftp = { ...service(['10.2.0.1', 'nat']), port: 21 };
    const other = { ...service(['10.2.0.1', 'nat']), port: 8021, forwardedServers: ftp.forwardedServers };
    begin([ftp, other]).done();
    assert.deepEqual(
      lists.at(-1)?.map(({ isFtp }) => isFtp),
      [undefined, true],
    );
  });

  it('stay until the director has forgotten them, since their connections keep the method', () => {
    const { calls, begin, knowledge } = prefixes();
    const look = () => {
      for (const run of knowledge.looks) run();
    };
    begin([service(['10.2.0.1', 'nat'])]).done();
    assert.equal(knowledge.looks.size, 0);
    knowledge.known = [web('10.2.0.1')];
    begin([service(['10.2.0.1', 'ipip'])]).done();
    begin([service()]).done();
    look();
    assert.deepEqual(calls.at(-1), ['10.2.0.1']);
    knowledge.known = [];
    look();
    assert.deepEqual(calls.at(-1), []);
    assert.equal(knowledge.looks.size, 0);
  });

  it('that the host refuses make the change fail, and no removal does', () => {
    const { refuses, begin } = prefixes();
    begin([service(['10.2.0.1', 'nat'], ['10.2.0.2', 'nat'])]).done();
    refuses.when = (servers) => servers.some(({ address }) => address === '10.2.0.3');
    assert.throws(() => begin([service(['10.2.0.3', 'nat'])]), /refused/);
    refuses.when = (servers) => servers.length === 1;
    assert.doesNotThrow(() => begin([service(['10.2.0.1', 'nat'])]).done());
  });
});
