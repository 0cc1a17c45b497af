import { strict as assert } from 'node:assert';
import type { NetworkInterfaceInfo } from 'node:os';
import { natSourceWarnings, sourceWarnings } from '../../lib/director/director-device.js';

const interfaces = { eth0: [{ address: '10.2.0.2' }, { address: '2001:db8:0::1' }] as NetworkInterfaceInfo[] };

describe('the warning about a source', () => {
  it('is not given for an address of the host, whatever its spelling', () => {
    assert.deepEqual(sourceWarnings(['10.2.0.2', '2001:db8::1'], interfaces), []);
  });

  it('is not given for a range, which is routed to the host', () => {
    assert.deepEqual(sourceWarnings(['10.2.1.0/28'], interfaces), []);
  });

  it('names the address and the command that adds it', () => {
    const warnings = sourceWarnings(['10.2.0.3', '2001:db8::2'], interfaces);
    assert.match(
      warnings[0] ?? '',
      /^source 10\.2\.0\.3 is not an address of this host.*"ip address add 10\.2\.0\.3\/32 dev lo"/,
    );
    assert.match(warnings[1] ?? '', /ip address add 2001:db8::2\/128/);
  });
});

describe('the warning about a source of full NAT', () => {
  const host = {
    addresses: () => [
      { interfaceName: 'eth0', address: '10.2.0.2', prefixLength: 24 },
      { interfaceName: 'eth0', address: '2001:db8::1', prefixLength: 64 },
      { interfaceName: 'eth1', address: '10.9.0.1', prefixLength: 32 },
    ],
  };

  it('is not given for what lies in a network of the host', () => {
    assert.deepEqual(natSourceWarnings(['10.2.0.77', '10.2.0.128/25', '2001:db8::c0/126'], host), []);
  });

  it('names what does not, or lies beyond the end of a network, and what to do', () => {
    const sources = ['10.3.0.7', '10.9.0.1', '10.2.0.0/23', '2001:db9::/126'];
    const warnings = natSourceWarnings(sources, host);
    assert.deepEqual(
      warnings.map((each) => /^full NAT's source (\S+) is in no network of this host, .*: route \1 to/.exec(each)?.[1]),
      sources,
    );
  });
});
