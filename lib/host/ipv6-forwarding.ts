/** Turns on IPv6 forwarding without the two surprises that come with it. */
import type { Host } from './host.js';
import type { HostStep } from './step.js';
import { setSysctl } from './sysctl.js';

const ALL = 'net/ipv6/conf/all/forwarding';

/**
 * Returns the steps in order. Writing `all` writes every interface, so those that forwarded before get their value back
 * after the undo. And a host that forwards takes no router advertisements, and loses a default route that came from
 * them, unless `accept_ra` is 2.
 */
export function forwardIpv6(host: Host): HostStep[] {
  const names = [...new Set(host.addresses().map(({ interfaceName }) => interfaceName))];
  const steps = setSysctl(host, ALL, '1', 'forward IPv6 packets');
  if (steps.length === 0) return [];
  const before = ['default', ...names]
    .map((name) => ({ write: `net/ipv6/conf/${name}/forwarding`, value: '1' }))
    .filter(({ write }) => host.readSysctl(write) === '1');
  return [
    ...names
      .filter((name) => host.readSysctl(`net/ipv6/conf/${name}/accept_ra`) !== '0')
      .flatMap((name) => goOnTaking(host, name)),
    ...steps.map((step) => (step.undo === undefined ? step : { ...step, undo: { ...step.undo, also: before } })),
  ];
}

function goOnTaking(host: Host, name: string): HostStep[] {
  const path = `net/ipv6/conf/${name}/accept_ra`;
  if (host.readSysctl(path) === undefined) return [];
  return setSysctl(host, path, '2', `keep accepting router advertisements on ${name}`);
}
