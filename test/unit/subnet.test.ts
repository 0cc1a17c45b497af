import { strict as assert } from 'node:assert';
import { isWithin } from '../../lib/values/prefix.js';
import { addressesIn, interfacesOnLink, isLarge, isOnLink } from '../../lib/host/subnet.js';

const own = (address: string, prefixLength: number, interfaceName = 'eth0') => ({
  interfaceName,
  address,
  prefixLength,
});

describe('an address or a range', () => {
  const cases: [inner: string, outer: string, isIn: boolean][] = [
    ['10.2.1.0', '10.2.1.0/28', true],
    ['10.2.1.15', '10.2.1.0/28', true],
    ['10.2.1.16', '10.2.1.0/28', false],
    ['10.2.1.8/29', '10.2.1.0/28', true],
    ['10.2.1.0/28', '10.2.1.0/28', true],
    ['10.2.0.0/16', '10.2.1.0/28', false],
    ['10.2.1.1', '10.2.1.1', true],
    ['10.2.1.1', '10.2.1.2', false],
    ['2001:db8::5', '2001:db8::/64', true],
    ['2001:db8:0:1::5', '2001:db8::/64', false],
    ['32.1.13.184', '2001:db8::/32', false],
  ];
  for (const [inner, outer, isIn] of cases)
    it(`${inner} is ${isIn ? '' : 'not '}within ${outer}`, () => assert.equal(isWithin(inner, outer), isIn));
});

describe('isOnLink', () => {
  const cases: [target: string, address: string, prefixLength: number, expected: boolean][] = [
    ['10.2.0.100', '10.2.0.2', 24, true],
    ['10.2.1.100', '10.2.0.2', 24, false],
    ['10.2.1.255', '10.2.0.2', 23, true],
    ['10.2.0.3', '10.2.0.2', 31, true],
    ['10.2.0.4', '10.2.0.2', 31, false],
    ['10.2.0.2', '10.2.0.2', 32, false],
    ['10.2.0.16/28', '10.2.0.2', 24, true],
    ['2001:db8:2::100', '2001:db8:2::2', 64, true],
    ['2001:db8:3::100', '2001:db8:2::2', 64, false],
    ['2001:db8:2::2', '2001:db8:2::2', 128, false],
    ['2001:db8:2::2', '10.2.0.2', 0, false],
  ];
  for (const [target, address, prefixLength, expected] of cases) {
    it(`says ${expected ? 'yes' : 'no'} to ${target} on the link of ${address}/${prefixLength}`, () => {
      assert.equal(isOnLink(target, own(address, prefixLength)), expected);
    });
  }
});

describe('interfacesOnLink', () => {
  it('names each interface once, and neither the loopback device nor those left out', () => {
    const addresses = [
      own('10.2.0.2', 24),
      own('2001:db8:2::2', 64),
      own('10.2.0.3', 24, 'eth1'),
      own('10.2.0.4', 8, 'lo'),
    ];
    assert.deepEqual(interfacesOnLink(addresses, ['10.2.0.9', '2001:db8:2::9'], ['eth1']), ['eth0']);
  });
});

describe('the addresses of a range', () => {
  it('are all of it, and the one of an address', () => {
    assert.deepEqual(addressesIn('192.0.2.4/30'), ['192.0.2.4', '192.0.2.5', '192.0.2.6', '192.0.2.7']);
    assert.deepEqual(addressesIn('2001:db8::/127'), ['2001:db8::', '2001:db8::1']);
    assert.deepEqual(addressesIn('192.0.2.1'), ['192.0.2.1']);
    assert.equal(addressesIn('192.0.2.0/24').at(-1), '192.0.2.255');
  });

  it('are too many beyond 256', () => {
    assert.deepEqual(['192.0.2.0/24', '192.0.2.0/23', '2001:db8::/120', '2001:db8::/64', '::1'].map(isLarge), [
      false,
      true,
      false,
      true,
      false,
    ]);
  });
});
