import { strict as assert } from 'node:assert';
import { interfacesOnLink, isOnLink } from '../../lib/host/subnet.js';

const own = (address: string, prefixLength: number, interfaceName = 'eth0') => ({
  interfaceName,
  address,
  prefixLength,
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
