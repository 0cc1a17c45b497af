/** How LANs are told that a host answers for virtual addresses now. */
import { strict as assert } from 'node:assert';
import { setTimeout as delay } from 'node:timers/promises';
import { DirectorHost } from '../../lib/host/director-host.js';
import type { NeighbourNewsTiming } from '../../lib/host/neighbour-news.js';
import type { NativeNeighbourNews } from '../../lib/native/neighbours.js';
import { eventuallyHolds } from '../support/eventually.js';
import { FakeHost } from '../support/fake-host.js';

const ON_LAN = '10.2.0.100';
const ON_LAN6 = '2001:db8:2::100';
const ROUTED = '10.9.9.9';

function opened(timing: Partial<NeighbourNewsTiming> = {}, tell?: (news: NativeNeighbourNews) => number) {
  const host = new FakeHost({
    addresses: [
      { interfaceName: 'eth0', address: '10.2.0.2', prefixLength: 24 },
      { interfaceName: 'eth0', address: '2001:db8:2::2', prefixLength: 64 },
      { interfaceName: 'eth0', address: 'fe80::2', prefixLength: 64 },
      { interfaceName: 'eth1', address: '10.4.0.2', prefixLength: 24 },
    ],
    sysctls: { 'net/ipv6/conf/all/disable_ipv6': '0', 'net/ipv6/conf/eth0/forwarding': '1' },
  });
  const told: NativeNeighbourNews[] = [];
  const take = (news: NativeNeighbourNews) => told.push(news);
  const neighbourNews = { timing: { count: 2, againMs: 0, refreshMs: 0, ...timing }, tell: tell ?? take };
  const director = new DirectorHost({ sources: ['10.2.0.2'], host, neighbourNews });
  const warnings: string[] = [];
  director.onWarning = (message) => warnings.push(message);
  director.open('tunvs0');
  return { host, director, told, warnings };
}

describe('neighbours', () => {
  it('are told of addresses in their LAN as often as asked, the first time at once', async () => {
    const { director, told } = opened();
    director.addVips([ON_LAN, ROUTED]);
    assert.deepEqual(told, [{ interfaceName: 'eth0', addresses: [ON_LAN], isRouter: false }]);
    await eventuallyHolds(() => Promise.resolve(assert.equal(told.length, 2)));
    director.close();
  });

  it('are told of IPv6 from the link-local address, as by a router where the host forwards', () => {
    const { director, told } = opened({ count: 1 });
    director.addVips([ON_LAN6]);
    assert.deepEqual(told, [{ interfaceName: 'eth0', addresses: [ON_LAN6], source: 'fe80::2', isRouter: true }]);
    director.close();
  });

  it('are told of each address of a range', () => {
    const { director, told } = opened({ count: 1 });
    director.addVips(['10.2.0.96/31']);
    assert.deepEqual(told[0]?.addresses, ['10.2.0.96', '10.2.0.97']);
    director.close();
  });

  it('are told again later, and refreshed, of what the host answers for still', async () => {
    const { director, told } = opened({ count: 1, againMs: 1, refreshMs: 5 });
    director.addVips([ON_LAN, '10.2.0.101']);
    director.removeVips(['10.2.0.101']);
    await eventuallyHolds(() => Promise.resolve(assert.ok(told.length >= 4)));
    for (const { addresses } of told.slice(1)) assert.deepEqual(addresses, [ON_LAN]);
    director.close();
    const count = told.length;
    await delay(20);
    assert.equal(told.length, count);
  });

  it('are told once more when somebody asks for it', () => {
    const { director, told } = opened({ count: 1 });
    director.addVips([ON_LAN, ROUTED]);
    director.tellNeighboursAgain();
    assert.deepEqual(
      told.map(({ addresses }) => addresses),
      [[ON_LAN], [ON_LAN]],
    );
    director.close();
  });

  it('are not told of addresses whose addition was refused', () => {
    const { host, director, told } = opened();
    host.failing = '10.2.0.101';
    assert.throws(() => director.addVips([ON_LAN, '10.2.0.101']));
    assert.deepEqual(told, []);
    director.close();
  });

  it('may be unreachable, which fails nothing and is said once', async () => {
    let calls = 0;
    const { director, warnings } = opened({ count: 3 }, () => {
      calls += 1;
      throw new Error('no socket');
    });
    director.addVips([ON_LAN]);
    await eventuallyHolds(() => Promise.resolve(assert.equal(calls, 3)));
    assert.deepEqual(warnings, [
      'neighbours on eth0 were not told that this host answers for virtual addresses now: no socket',
    ]);
    director.close();
  });
});
