/** What a change to the host that failed is said to be, and how it is mended. */
import { strict as assert } from 'node:assert';
import { failure } from '../../lib/host/command-failure.js';

describe('a sysctl on a read-only /proc/sys', () => {
  const readOnly = Object.assign(new Error('read-only file system'), { code: 'EROFS' });
  const said = (write: string, value: string) => failure({ write, value }, '', readOnly).message;

  it('is mended by the option that a container is started with', () => {
    assert.match(said('net/ipv4/ip_forward', '1'), /\(--sysctl net\.ipv4\.ip_forward=1\)/);
    assert.match(said('net/ipv4/conf/all/rp_filter', '0'), /\(--sysctl net\.ipv4\.conf\.all\.rp_filter=0\)/);
  });

  it('is mended by the default one for a device that is not there when a container is started', () => {
    assert.match(
      said('net/ipv4/conf/tunvs0/accept_local', '1'),
      /or --sysctl net\.ipv4\.conf\.default\.accept_local=1 for a device that is made later/,
    );
    assert.match(said('net/ipv6/neigh/eth0/proxy_delay', '0'), /net\.ipv6\.neigh\.default\.proxy_delay=0/);
  });
});
