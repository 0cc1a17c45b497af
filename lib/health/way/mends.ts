/** The likely mends, as sentences. Those at a real server name the command that shows what it lacks. */
import { forwardingTraits, isRewriting } from '../../values/forwarding-method.js';
import { familyOf } from '../../host/family.js';
import { mendReplies } from './nat-mends.js';
import type { Subject } from './subject.js';

const DEFAULT_GUE_PORT = 6080;

/** Returns the command to run at the real server, which prints what it would do to that host. */
export function realServerCommand({ address, forwarding, tunnelPort, virtualAddress, directors }: Subject): string {
  const family = familyOf(address);
  // The server sees the address of its own family.
  const known = forwarding === 'dr' ? directors : directors.filter((director) => familyOf(director) === family);
  const words = [
    'tunvs realserver',
    `--vip ${virtualAddress}`,
    ...(known.length === 0 ? directors : known).map((director) => `--director ${director}`),
    ...(forwarding === 'ipip' ? [] : [`--forwarding ${forwarding}`]),
    ...(forwarding === 'gue' && tunnelPort !== DEFAULT_GUE_PORT ? [`--gue-port ${tunnelPort}`] : []),
    '--dry-run',
  ];
  return words.join(' ');
}

/** Says what carries packets to the server, as a firewall knows it. */
export function carrier({ address, forwarding, tunnelPort }: Subject): string {
  const isIpv6 = familyOf(address) === 6;
  if (forwarding === 'gue') return `UDP port ${tunnelPort}`;
  if (forwarding === 'gre') return 'IP protocol 47 (GRE)';
  if (forwarding === 'ipip') return `IP protocols 4 and 41 (IP in ${isIpv6 ? 'IPv6' : 'IPv4'})`;
  return 'packets for the virtual address';
}

/** The server's host answers, but not what comes by the tunnel, or not through the director. */
export function mendDecapsulation(subject: Subject): string {
  const { forwarding, virtualAddress } = subject;
  if (isRewriting(forwarding)) return mendReplies(subject);
  if (forwarding === 'local')
    return `Let the service on the director's host listen on ${virtualAddress}, and its firewall accept that.`;
  const needs = forwardingTraits[forwarding].isTunnel
    ? `the address ${virtualAddress}, a tunnel device that is up, rp_filter 0 or 2 on that device, and a firewall that ` +
      `accepts ${carrier(subject)}`
    : `the address ${virtualAddress} on lo, and a firewall that accepts packets for it`;
  return `The server needs ${needs}: run "${realServerCommand(subject)}" there to see what is missing.`;
}

/** ICMP says that nobody at the server takes the tunnel's packets. */
export function mendTunnel(subject: Subject): string {
  const { forwarding } = subject;
  const what =
    forwarding === 'gue'
      ? `nobody takes GUE on UDP port ${subject.tunnelPort}`
      : `there is no ${forwarding.toUpperCase()} tunnel`;
  return `At ${subject.address} ${what}: run "${realServerCommand(subject)}" there to see what is missing.`;
}
