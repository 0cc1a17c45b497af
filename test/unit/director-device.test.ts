import { strict as assert } from 'node:assert';
import type { NetworkInterfaceInfo } from 'node:os';
import { sourceWarnings } from '../../lib/director/director-device.js';

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
