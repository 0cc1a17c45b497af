import { strict as assert } from 'node:assert';
import { isIPv6 } from 'node:net';
import fc from 'fast-check';
import {
  addressBytes,
  addressFamily,
  canonicalAddress,
  compareAddresses,
  formatAddress,
  formatEndpoint,
  isLinkLocal6,
  isUnicast,
  parseEndpoint,
  parseRange,
} from '../../lib/values/inet.js';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

describe('addresses as text', () => {
  it('know their family, and what is not an address', () => {
    assert.equal(addressFamily('192.0.2.1'), 4);
    assert.equal(addressFamily('2001:db8::1'), 6);
    for (const text of ['', '1', '1.2.3', '300.1.1.1', '01.2.3.4', '1.2.3.4 ', ':::', 'fe80::1%eth0', 'localhost']) {
      assert.equal(addressFamily(text), undefined, text);
    }
  });

  it('have one spelling, that of RFC 5952', () => {
    const spellings = {
      '2001:DB8:0:0:0:0:0:1': '2001:db8::1',
      '2001:db8:0:0:1:0:0:1': '2001:db8::1:0:0:1',
      '2001:db8:0:1:1:1:1:1': '2001:db8:0:1:1:1:1:1',
      '0:0:0:0:0:0:0:0': '::',
      '1::': '1::',
      '::ffff:c000:201': '::ffff:192.0.2.1',
      '64:ff9b::192.0.2.33': '64:ff9b::c000:221',
      '192.0.2.1': '192.0.2.1',
    };
    for (const [text, canonical] of Object.entries(spellings)) assert.equal(canonicalAddress(text), canonical, text);
    assert.equal(canonicalAddress('192.0.2'), undefined);
  });

  it('turn into bytes and back', () => {
    fc.assert(
      fc.property(fc.oneof(bytes(4), bytes(16)), (address) => {
        const text = formatAddress(address);
        assert.deepEqual(addressBytes(text), address);
        assert.equal(canonicalAddress(text), text);
      }),
    );
  });

  it('agree with the system about what is IPv6', () => {
    fc.assert(fc.property(fc.ipV6(), (text) => isIPv6(text) === (addressFamily(text) === 6)));
  });

  it('sort by value, IPv4 first', () => {
    const sorted = ['9.0.0.1', '10.0.0.2', '10.0.0.11', '::1', '2001:db8::2', '2001:db8::10'];
    assert.deepEqual([...sorted].reverse().sort(compareAddresses), sorted);
    assert.throws(() => compareAddresses('10.0.0.1', 'ten'), /"ten" is not an IP address/);
  });

  it('tell one host from many', () => {
    for (const address of ['10.0.0.1', '127.0.0.1', '2001:db8::1']) assert.equal(isUnicast(address), true, address);
    const many = ['0.0.0.0', '224.0.0.1', '239.255.255.255', '255.255.255.255', '::', 'ff02::1', '::ffff:10.0.0.1'];
    for (const address of many) {
      assert.equal(isUnicast(address), false, address);
    }
  });
});

describe('addresses of one link', () => {
  it('are those of fe80::/10', () => {
    for (const address of ['fe80::1', 'febf:ffff::1']) assert.equal(isLinkLocal6(address), true, address);
    for (const address of ['fec0::1', '2001:db8::1', '169.254.0.1', 'fe80']) {
      assert.equal(isLinkLocal6(address), false, address);
    }
  });
});

describe('ranges of addresses as text', () => {
  it('have a first and a last address', () => {
    assert.deepEqual(parseRange('10.2.1.16/28'), { first: '10.2.1.16', last: '10.2.1.31', prefixLength: 28 });
    assert.deepEqual(parseRange('10.2.1.7/32'), { first: '10.2.1.7', last: '10.2.1.7', prefixLength: 32 });
    assert.deepEqual(parseRange('2001:DB8:0::/62'), {
      first: '2001:db8::',
      last: '2001:db8:0:3:ffff:ffff:ffff:ffff',
      prefixLength: 62,
    });
  });

  const mistakes: [string, RegExp][] = [
    ['10.2.1.16', /is not a range of addresses: write ADDRESS\/LENGTH/],
    ['10.2.1.16/', /is not a range/],
    ['ten/8', /is not a range/],
    ['10.2.1.16/33', /longer than the 32 bits/],
    ['2001:db8::/129', /longer than the 128 bits/],
    ['10.2.1.17/28', /has bits beyond its prefix: write 10\.2\.1\.16\/28/],
    ['2001:db8::1/64', /write 2001:db8::\/64/],
  ];
  for (const [text, message] of mistakes) {
    it(`are refused for "${text}"`, () => {
      const range = parseRange(text);
      assert.ok('mistake' in range);
      assert.match(range.mistake, message);
    });
  }
});

describe('endpoints as text', () => {
  it('are read with and without a port', () => {
    assert.deepEqual(parseEndpoint('192.0.2.1:80'), { address: '192.0.2.1', port: 80 });
    assert.deepEqual(parseEndpoint('192.0.2.1'), { address: '192.0.2.1', port: undefined });
    assert.deepEqual(parseEndpoint('[2001:DB8::1]:443'), { address: '2001:db8::1', port: 443 });
    assert.deepEqual(parseEndpoint('[2001:db8::1]'), { address: '2001:db8::1', port: undefined });
    assert.deepEqual(parseEndpoint('2001:db8::1'), { address: '2001:db8::1', port: undefined });
  });

  it('are refused with what is wrong about them', () => {
    const mistakes: [string, RegExp][] = [
      ['300.1.1.1:80', /four numbers from 0 to 255/],
      ['web:80', /names are not looked up/],
      ['192.0.2.1:', /has "" for a port/],
      ['192.0.2.1:65536', /number from 0 to 65535/],
      ['192.0.2.1:http', /has "http" for a port: write its number, as "ipvsadm -S -n" does$/],
      ['2001:db8::1:z', /write it in brackets/],
      ['[2001:db8::1', /without its closing one/],
      ['[192.0.2.1]:80', /not an IPv6 address/],
      [':80', /has no address/],
      ['', /has no address/],
    ];
    for (const [text, mistake] of mistakes) {
      const result = parseEndpoint(text);
      assert.ok('mistake' in result, text);
      assert.match(result.mistake, mistake);
    }
  });

  it('are what they were after being printed', () => {
    fc.assert(
      fc.property(fc.oneof(bytes(4), bytes(16)), fc.integer({ min: 0, max: 65535 }), (address, port) => {
        const endpoint = { address: formatAddress(address), port };
        assert.deepEqual(parseEndpoint(formatEndpoint(endpoint)), endpoint);
      }),
    );
  });
});
