/** What the pinned way is made of: targets, source ports, source addresses, what the host says. */
import { strict as assert } from 'node:assert';
import { CheckFailure } from '../../lib/health/checks/check.js';
import { addressWay } from '../../lib/health/way/address-way.js';
import { HostFacts, netstatValue } from '../../lib/health/way/host-facts.js';
import { SourceAddresses } from '../../lib/health/way/source-address.js';
import { CHECK_PORTS, SourcePorts } from '../../lib/health/way/source-ports.js';
import { checkTarget, ownPort, portOf, type TargetOptions } from '../../lib/health/way/target.js';
import type { ServiceIdentity } from '../../lib/values/service-key.js';
import { FakeHost } from '../support/fake-host.js';

const VIP = '192.0.2.1';
const LAN = { interfaceName: 'eth0', address: '10.2.0.2', prefixLength: 24 };

describe('what a check of a real server connects to', () => {
  const marks = [
    { mark: 7, source: '10.0.0.0/8' },
    { mark: 8, destination: '192.0.2.9', port: 443 },
    { mark: 7, destination: '192.0.2.16/28' },
    { mark: 7, destination: '2001:db8::7', port: 53 },
  ];
  const tcp = { protocol: 'tcp', address: VIP, port: 80 } as const;
  const mark = (number: number, address = '0.0.0.0') => ({ protocol: 'ip', address, port: 0, mark: number }) as const;
  type Expected = [address: string, port: number, prefix: string];
  const cases: [what: string, service: ServiceIdentity, port: number, options: TargetOptions, expected: Expected][] = [
    ['the virtual address and port', tcp, 8080, {}, [VIP, 80, VIP]],
    ['what is asked for', tcp, 80, { virtualAddress: '192.0.2.5', port: 81 }, ['192.0.2.5', 81, '192.0.2.5']],
    ['the first port of a range', { ...tcp, lastPort: 99 }, 80, {}, [VIP, 80, VIP]],
    ["the server's port when the service has every port", { ...tcp, port: 0 }, 8080, {}, [VIP, 8080, VIP]],
    ['the same when all ports are a range', { ...tcp, port: 1, lastPort: 65_535 }, 8080, {}, [VIP, 8080, VIP]],
    ['no port when nobody has one', { ...tcp, port: 0 }, 0, {}, [VIP, 0, VIP]],
    ['the first address of a range', { ...tcp, address: '192.0.2.32/28' }, 80, {}, ['192.0.2.32', 80, '192.0.2.32/28']],
    [
      'the address that is asked for within a range',
      { ...tcp, address: '192.0.2.32/28' },
      80,
      { virtualAddress: '192.0.2.40' },
      ['192.0.2.40', 80, '192.0.2.32/28'],
    ],
    ['the address and port of the rule with the mark', mark(8), 80, {}, ['192.0.2.9', 443, '192.0.2.9']],
    ['the first rule that names an address', mark(7), 80, {}, ['192.0.2.16', 80, '192.0.2.16/28']],
    ['a rule of the same family', mark(7, '::'), 80, {}, ['2001:db8::7', 53, '2001:db8::7']],
    ['what is asked for where no rule says it', mark(9), 0, { virtualAddress: VIP, port: 80 }, [VIP, 80, VIP]],
  ];
  for (const [what, service, port, options, [address, expectedPort, prefix]] of cases) {
    it(`is ${what}`, () => {
      assert.deepEqual(checkTarget({ port, service }, marks, options), { address, port: expectedPort, prefix });
    });
  }

  it('has to be named for a mark that no rule gives an address', () => {
    assert.throws(
      () => checkTarget({ port: 80, service: mark(9) }, marks),
      (error) => error instanceof CheckFailure && error.isOwnFault && /Name the virtual/.test(error.mend ?? ''),
    );
  });

  it('has the port that the check names, and must have one', () => {
    const target = { address: VIP, port: 80, prefix: VIP };
    assert.deepEqual([portOf(target, undefined), portOf(target, 8080)], [80, 8080]);
    assert.equal(portOf({ ...target, port: 0 }, 8080), 8080);
    assert.throws(() => portOf({ ...target, port: 0 }, undefined), { name: 'CheckFailure', isOwnFault: true });
  });

  it("has no port at the server's own address where the service has every port", async () => {
    const service = { protocol: 'tcp', address: VIP, port: 1, lastPort: 65_535 } as const;
    assert.deepEqual([ownPort({ port: 0, service }), ownPort({ port: 8080, service })], [0, 8080]);
    assert.equal(ownPort({ port: 0, service: { ...service, lastPort: 90 } }), 1);
    const { signal } = new AbortController();
    const way = addressWay({ address: '127.0.0.1', port: ownPort({ port: 0, service }) });
    for (const open of [way.connect, way.datagrams])
      await assert.rejects(open(signal), { name: 'CheckFailure', isOwnFault: true });
  });
});

describe('source ports of checks', () => {
  it('are used in turn, so that each rests as long as can be', () => {
    const ports = new SourcePorts({ first: 10, last: 12 });
    assert.deepEqual([ports.take(), ports.take(), ports.take(), ports.take()], [10, 11, 12, undefined]);
    ports.giveBack(11);
    ports.giveBack(10);
    assert.equal(ports.free, 2);
    assert.deepEqual([ports.take(), ports.take(), ports.take()], [11, 10, undefined]);
    for (let round = 0; round < 7; round++) {
      ports.giveBack(10);
      assert.equal(ports.take(), 10);
    }
  });

  it("are above those that Linux gives to clients, and enough for two seconds' checks of 2,000 servers", () => {
    const { first, last } = CHECK_PORTS;
    assert.ok(first > 60_999 && last <= 65_534);
    assert.ok(new SourcePorts().size > 4000);
  });
});

describe('the source address of checks', () => {
  function chooser(sources: string[], answers: Record<string, string | null> = {}) {
    const host = new FakeHost({ addresses: [LAN], answers });
    let nowMs = 0;
    const addresses = new SourceAddresses(host, sources, () => nowMs);
    return { host, addresses, wait: (ms: number) => (nowMs += ms) };
  }
  const ROUTE = `ip -4 -o route get ${VIP}`;

  it("is the director's first address that the host has", () => {
    const { host, addresses } = chooser(['10.7.7.7', '2001:db8::2', '10.2.0.2']);
    assert.equal(addresses.towards(VIP), '10.2.0.2');
    assert.deepEqual(host.asked, []);
  });

  it("is the kernel's choice when those are a range, or not the host's", () => {
    const { addresses } = chooser(['10.2.0.0/24'], { [ROUTE]: `${VIP} dev tunvs0 src 10.2.0.9 uid 0` });
    assert.equal(addresses.towards(VIP), '10.2.0.9');
  });

  it('is chosen anew after a while, and at once when it was wrong', () => {
    const { host, addresses, wait } = chooser([], { [ROUTE]: `${VIP} dev tunvs0 src 10.2.0.9 uid 0` });
    addresses.towards(VIP);
    host.answers[ROUTE] = `${VIP} dev tunvs0 src 10.2.0.8 uid 0`;
    assert.equal(addresses.towards(VIP), '10.2.0.9');
    wait(5000);
    assert.equal(addresses.towards(VIP), '10.2.0.8');
    host.answers[ROUTE] = null;
    addresses.forget();
    assert.equal(addresses.towards(VIP), undefined);
  });

  it('is none when the virtual address is the host', () => {
    const { addresses } = chooser([], { [ROUTE]: `local ${VIP} dev lo src ${VIP} uid 0` });
    assert.equal(addresses.towards(VIP), undefined);
  });
});

const netstat = (drops: number) =>
  `TcpExt: SyncookiesSent IPReversePathFilter TCPTimeWaitOverflow\nTcpExt: 3 ${drops} 5\nIpExt: InOctets\nIpExt: 9\n`;

describe("what the director's host says of checks", () => {
  const DIP = '10.2.0.2';
  const ROUTE = `ip -4 -o route get ${VIP} from ${DIP} ipproto tcp sport 61000`;

  function facts(answer: string | null, rpFilter = '1') {
    const host = new FakeHost({
      addresses: [LAN],
      answers: { [ROUTE]: answer },
      sysctls: { 'net/ipv4/conf/all/rp_filter': '0', 'net/ipv4/conf/eth0/rp_filter': rpFilter },
    });
    const state = { nowMs: 0, drops: 7 };
    const backing = {
      host,
      devices: () => ['tunvs0', 'mark0'],
      readNetstat: () => netstat(state.drops),
      nowMs: () => state.nowMs,
    };
    return { host, state, facts: new HostFacts(backing) };
  }

  it('is nothing when the route leads to a device of the director', () => {
    for (const device of ['tunvs0', 'mark0'])
      assert.equal(facts(`${VIP} from ${DIP} dev ${device} uid 0`).facts.misrouted(VIP, DIP), undefined);
  });

  const routes: [what: string, answer: string | null, message: RegExp, mend: RegExp][] = [
    ['no route', null, /no route to 192\.0\.2\.1/, /ip route get/],
    ['another device', `${VIP} from ${DIP} via 10.2.0.1 dev eth0 uid 0`, /to eth0, and not to the director/, /ip rule/],
    ['its own address', `local ${VIP} from ${DIP} dev lo uid 0`, /is an address of/, /del 192\.0\.2\.1\/32 dev lo"/],
  ];
  for (const [what, answer, message, mend] of routes) {
    it(`is ${what}`, () => {
      const fault = facts(answer).facts.misrouted(VIP, DIP);
      assert.match(fault?.message ?? '', message);
      assert.match(fault?.mend ?? '', mend);
    });
  }

  it('is asked once a second, however many servers fail', () => {
    const { host, state, facts: asked } = facts(null);
    for (let count = 0; count < 100; count++) asked.misrouted(VIP, DIP);
    assert.equal(host.asked.length, 1);
    state.nowMs = 1000;
    asked.misrouted(VIP, DIP);
    assert.equal(host.asked.length, 2);
  });

  it('is strict rp_filter when that has dropped packets meanwhile', () => {
    const { state, facts: asked } = facts(null);
    assert.equal(asked.repliesDropped(DIP), undefined);
    state.nowMs += 1000;
    state.drops += 1;
    const fault = asked.repliesDropped(DIP);
    assert.match(fault?.message ?? '', /strict on eth0 of the director's host/);
    assert.match(fault?.mend ?? '', /Write 2 to \/proc\/sys\/net\/ipv4\/conf\/eth0\/rp_filter/);
    assert.equal(fault?.isCertain, true);
    assert.equal(asked.repliesDropped('10.7.7.7')?.isCertain, false);
    state.nowMs += 1000;
    assert.equal(asked.repliesDropped(DIP), undefined);
  });

  it('is told at start where replies would come in', () => {
    const { facts: strict } = facts(null);
    assert.match(
      strict.strictAt([DIP, '10.7.7.7', '10.3.0.0/24'])[0] ?? '',
      /^rp_filter is strict on eth0, .*: write 2/,
    );
    assert.deepEqual([strict.strictAt(['10.7.7.7']), facts(null, '2').facts.strictAt([DIP])], [[], []]);
  });

  it('is nothing about rp_filter where it is loose, and over IPv6', () => {
    const { state, facts: loose } = facts(null, '2');
    state.drops += 1;
    assert.equal(loose.repliesDropped(DIP), undefined);
    const { state: now, facts: strict } = facts(null);
    now.drops += 1;
    assert.equal(strict.repliesDropped('2001:db8::1'), undefined);
  });

  it("reads the kernel's counters by their names", () => {
    assert.deepEqual(
      ['IPReversePathFilter', 'InOctets', 'TcpExt:', 'Nothing'].map((name) => netstatValue(netstat(4), name)),
      [4, 9, undefined, undefined],
    );
    assert.equal(netstatValue('', 'InOctets'), undefined);
  });
});
