/** How packets get to a real server, by the names that the native part has. */

/**
 * `ipip`: the packet, untouched, behind an outer IP header from the director to the real server (LVS/TUN).
 * `gue`: the same in UDP, whose source port spreads flows over paths and queues. `gre`: the same behind a GRE header.
 * `dr`: the packet as it is, in a frame to the real server on the same link (LVS/DR).
 * `local`: the packet as it is, to the director's own host. A real server at an address of that host always is.
 */
export const forwardingMethods = ['ipip', 'gue', 'gre', 'dr', 'local'] as const;

export type ForwardingMethod = (typeof forwardingMethods)[number];

/** Those that a host needs to be set up for to be a real server: all but `local`. */
export const realServerMethods = ['ipip', 'gue', 'gre', 'dr'] as const satisfies readonly ForwardingMethod[];

export type RealServerMethod = (typeof realServerMethods)[number];

export const DEFAULT_FORWARDING_METHOD: ForwardingMethod = 'ipip';

/**
 * What of a tunnel packet is guarded by a checksum of its own. `none`: nothing. `checksum`: all of it. `remote`, GUE
 * only: all of it, and where the inner checksum is not filled in yet, the real server does it (remote checksum offload).
 */
export const tunnelChecksums = ['none', 'checksum', 'remote'] as const;

export type TunnelChecksum = (typeof tunnelChecksums)[number];

export const DEFAULT_TUNNEL_CHECKSUM: TunnelChecksum = 'none';

/** Those that a method knows; one alone is not worth saying. */
export const checksumsOf: Readonly<Record<ForwardingMethod, readonly TunnelChecksum[]>> = {
  ipip: ['none'],
  gue: ['none', 'checksum', 'remote'],
  gre: ['none', 'checksum'],
  dr: ['none'],
  local: ['none'],
};

/** A tunnel has an outer header, and so may carry one address family in the other. */
export function isTunnel(method: ForwardingMethod): boolean {
  return method !== 'dr' && method !== 'local';
}
