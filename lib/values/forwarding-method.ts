/** How packets get to a real server: the methods, and the traits of each. A method is a row of the table. */

/**
 * What of a tunnel packet is guarded by a checksum of its own. `none`: nothing. `checksum`: all of it. `remote`, GUE
 * only: all of it, and where the inner checksum is not filled in yet, the real server does it (remote checksum offload).
 */
export const tunnelChecksums = ['none', 'checksum', 'remote'] as const;

export type TunnelChecksum = (typeof tunnelChecksums)[number];

export const DEFAULT_TUNNEL_CHECKSUM: TunnelChecksum = 'none';

export interface ForwardingTraits {
  /** The method adds an outer header, and so can carry one address family in the other. */
  isTunnel: boolean;
  /** The packet leaves with an address of the director's, which must be of the real server's family. */
  needsSource: boolean;
  /** The real server receives the packet's own port. */
  keepsPorts: boolean;
  /** ipvsadm's word for the method in listings. */
  listedAs: 'Tunnel' | 'Route' | 'Local';
  /** The tunnel has a UDP port of the real server's. */
  hasPort: boolean;
  /** The tunnel checksums that the method knows. A listing omits it where there is only one. */
  checksums: readonly TunnelChecksum[];
}

/**
 * `ipip`: the packet, untouched, behind an outer IP header from the director to the real server (LVS/TUN).
 * `gue`: the same in UDP, whose source port spreads flows over paths and queues. `gre`: the same behind a GRE header.
 * `dr`: the packet as it is, in a frame to the real server on the same link (LVS/DR).
 * `local`: the packet as it is, to the director's own host. A real server at an address of that host always is.
 *
 * The native part has the same in `forward/`; a test holds the two to each other.
 */
export const forwardingTraits = {
  ipip: {
    isTunnel: true,
    listedAs: 'Tunnel',
    needsSource: true,
    keepsPorts: true,
    hasPort: false,
    checksums: ['none'],
  },
  gue: {
    isTunnel: true,
    listedAs: 'Tunnel',
    needsSource: true,
    keepsPorts: true,
    hasPort: true,
    checksums: tunnelChecksums,
  },
  gre: {
    isTunnel: true,
    listedAs: 'Tunnel',
    needsSource: true,
    keepsPorts: true,
    hasPort: false,
    checksums: ['none', 'checksum'],
  },
  dr: { isTunnel: false, listedAs: 'Route', needsSource: false, keepsPorts: true, hasPort: false, checksums: ['none'] },
  local: {
    isTunnel: false,
    listedAs: 'Local',
    needsSource: false,
    keepsPorts: true,
    hasPort: false,
    checksums: ['none'],
  },
} as const satisfies Record<string, ForwardingTraits>;

export type ForwardingMethod = keyof typeof forwardingTraits;

export const forwardingMethods = Object.keys(forwardingTraits) as readonly ForwardingMethod[];

/** The methods with an outer header, as `--tun-type` names them. */
export const tunnelMethods = forwardingMethods.filter((method) => forwardingTraits[method].isTunnel);

export const traitsOf = (method: ForwardingMethod): ForwardingTraits => forwardingTraits[method];

/** Those that a host needs to be set up for to be a real server: all but `local`. */
export const realServerMethods = ['ipip', 'gue', 'gre', 'dr'] as const satisfies readonly ForwardingMethod[];

export type RealServerMethod = (typeof realServerMethods)[number];

export const DEFAULT_FORWARDING_METHOD: ForwardingMethod = 'ipip';
