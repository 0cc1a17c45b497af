/** How packets get to a real server: the methods, and the traits of each. A method is a row of the table. */

/** The values of {@link TunnelChecksum}. */
export const tunnelChecksums = ['none', 'checksum', 'remote'] as const;

/**
 * Says what of a tunnel packet is guarded by a checksum of its own. With `none` nothing is, with `checksum` all of it.
 * With `remote`, for GUE alone, all of it is guarded, and the real server fills in an inner checksum that is not filled
 * in yet (remote checksum offload).
 */
export type TunnelChecksum = (typeof tunnelChecksums)[number];

/** The values of {@link ClientTold}. */
export const clientToldWays = ['none', 'toa', 'proxy'] as const;

/**
 * Says how a real server of full NAT (`snat`) is told the client's address of a TCP connection: not at all; with `toa` by
 * a TCP option in the client's first packets, which a kernel module of the server reads; with `proxy` by a header of the
 * PROXY protocol, version 2, in front of the client's first byte, which the server's program expects. A service whose
 * server speaks first can't have `proxy`.
 */
export type ClientTold = (typeof clientToldWays)[number];

export const DEFAULT_TUNNEL_CHECKSUM: TunnelChecksum = 'none';

export interface ForwardingTraits {
  /** The method adds an outer header, and so can carry one address family in the other. */
  isTunnel: boolean;
  /** The packet leaves with an address of the director's, which must be of the real server's family. */
  needsSource: boolean;
  /** The real server receives the packet's own port. */
  keepsPorts: boolean;
  /** ipvsadm's word for the method in listings. */
  listedAs: 'Tunnel' | 'Route' | 'Local' | 'Masq' | 'FullNat';
  /** The tunnel has a UDP port of the real server's. */
  hasPort: boolean;
  /** Packets leave as if the director were their client (full NAT). */
  takesSource: boolean;
  /** The tunnel checksums that the method knows. A listing omits it where there is only one. */
  checksums: readonly TunnelChecksum[];
}

/** The native part has the same table in `forward/`; a test holds the two to each other. */
export const forwardingTraits = {
  ipip: {
    isTunnel: true,
    listedAs: 'Tunnel',
    needsSource: true,
    keepsPorts: true,
    hasPort: false,
    takesSource: false,
    checksums: ['none'],
  },
  gue: {
    isTunnel: true,
    listedAs: 'Tunnel',
    needsSource: true,
    keepsPorts: true,
    hasPort: true,
    takesSource: false,
    checksums: tunnelChecksums,
  },
  gre: {
    isTunnel: true,
    listedAs: 'Tunnel',
    needsSource: true,
    keepsPorts: true,
    hasPort: false,
    takesSource: false,
    checksums: ['none', 'checksum'],
  },
  dr: {
    isTunnel: false,
    listedAs: 'Route',
    needsSource: false,
    keepsPorts: true,
    hasPort: false,
    takesSource: false,
    checksums: ['none'],
  },
  local: {
    isTunnel: false,
    listedAs: 'Local',
    needsSource: false,
    keepsPorts: true,
    hasPort: false,
    takesSource: false,
    checksums: ['none'],
  },
  nat: {
    isTunnel: false,
    listedAs: 'Masq',
    needsSource: false,
    keepsPorts: false,
    hasPort: false,
    takesSource: false,
    checksums: ['none'],
  },
  snat: {
    isTunnel: false,
    listedAs: 'FullNat',
    needsSource: false,
    keepsPorts: false,
    hasPort: false,
    takesSource: true,
    checksums: ['none'],
  },
} as const satisfies Record<string, ForwardingTraits>;

/**
 * Says how packets get to a real server.
 *
 * - `ipip` puts the untouched packet behind an outer IP header from the director to the real server (LVS/TUN).
 * - `gue` puts it into UDP as well, whose source port spreads flows over paths and queues.
 * - `gre` puts it behind an outer IP header and a GRE header.
 * - `dr` sends the packet as it is, in a frame to a real server on the same link (LVS/DR).
 * - `local` hands the packet as it is to the director's own host. A real server at an address of that host is always
 *   local.
 * - `nat` gives the packet the real server's address and port, and the server's replies the virtual service's (LVS/NAT).
 *   The replies have to come back through the director: the real server's route to its clients leads there.
 * - `snat` also gives the packet an address and a port of the director's as its source (full NAT), so that replies come
 *   back whatever the real server's routes are. It needs `fullNat` of the director, and the server does not see the
 *   client's address.
 */
export type ForwardingMethod = keyof typeof forwardingTraits;

/** The values of {@link ForwardingMethod}. */
export const forwardingMethods = Object.keys(forwardingTraits) as readonly ForwardingMethod[];

/** The methods with an outer header, as `--tun-type` names them. */
export const tunnelMethods = forwardingMethods.filter((method) => forwardingTraits[method].isTunnel);

/**
 * Tells whether a method gives packets other addresses. Then clients' packets are for the server's own address when they
 * come to it, and its replies pass the director.
 */
export const isRewriting = (method: ForwardingMethod): boolean => !traitsOf(method).keepsPorts;

export const traitsOf = (method: ForwardingMethod): ForwardingTraits => forwardingTraits[method];

/** The values of {@link RealServerMethod}. */
export const realServerMethods = ['ipip', 'gue', 'gre', 'dr'] as const satisfies readonly ForwardingMethod[];

/** A forwarding method that a real server's host has to be set up for: each one except `local`, `nat` and `snat`. */
export type RealServerMethod = (typeof realServerMethods)[number];

export const DEFAULT_FORWARDING_METHOD: ForwardingMethod = 'ipip';
