/** Turns on IPv6 forwarding without the two surprises that come with it. */
import type { Host } from './host.js';
import type { HostStep } from './step.js';
import { setSysctl } from './sysctl.js';

const ALL = 'net/ipv6/conf/all/forwarding';

/**
 * Steps, in order. Writing `all` writes every interface: those that forwarded before get their value back on undo. And
 * a host that forwards takes no router advertisements, and loses a default route that it has from them, unless
 * `accept_ra` is 2.
 */
export function forwardIpv6(host: Host): HostStep[] {
  if (host.readSysctl(ALL) !== '0') return [];
  const names = [...new Set(host.addresses().map(({ interfaceName }) => interfaceName))];
  return [
    ...names
      .filter((name) => host.readSysctl(`net/ipv6/conf/${name}/accept_ra`) === '1')
      .flatMap((name) =>
        setSysctl(host, `net/ipv6/conf/${name}/accept_ra`, '2', `go on taking router advertisements on ${name}`),
      ),
    ...['default', ...names]
      .map((name) => `net/ipv6/conf/${name}/forwarding`)
      .filter((path) => host.readSysctl(path) === '1')
      .map((path) => ({
        description: 'stays as it is',
        command: { write: path, value: '1' },
        undo: { write: path, value: '1' },
      })),
    ...setSysctl(host, ALL, '1', 'forward IPv6 packets'),
  ];
}
