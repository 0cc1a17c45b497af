/** Virtual services and real servers as the native part knows them. */
/**
 * What names a virtual service: protocol, address and port, or a firewall mark. With a mark, protocol and port are 0
 * and the address is `0.0.0.0` or `::`, for its family.
 */
export interface NativeServiceKey {
  /** IP protocol number (6 TCP, 17 UDP, 132 SCTP). */
  protocol: number;
  /** With a prefix, the first of its addresses. */
  address: string;
  /** [0, 65535]; 0 is every port, for persistent services. */
  port: number;
  /** The last port of a range that begins with `port`; absent or 0 for the one port. */
  lastPort?: number;
  /** Length of the address prefix, [0, 32] or [0, 128]; absent for the one address. */
  prefix?: number;
  /** Firewall mark, [1, 2^32-1]. */
  mark?: number;
}

export interface NativePersistence {
  /** [1, 2678400] */
  timeoutSeconds: number;
  /**
   * The mask that makes clients one: dotted for IPv4, a prefix length for IPv6; absent when each address is a client.
   */
  netmask?: string;
  /** 'sip' recognises clients by Call-ID. */
  engine?: string;
}

/** Packets of `family` that match every part get the mark; the first of several matching rules counts. */
export interface NativeMarkRule {
  /** [1, 2^32-1] */
  mark: number;
  /** 4 or 6 */
  family: number;
  /** Client and virtual addresses, `ADDRESS` or `ADDRESS/LENGTH`. */
  source?: string;
  destination?: string;
  /** IP protocol number; absent or 0 for any. */
  protocol?: number;
  /** Destination ports; absent for 0 and 65535. */
  firstPort?: number;
  lastPort?: number;
}

export interface NativeServiceConfig {
  /** One of `native.schedulers`. */
  scheduler: string;
  /** As ipvsadm names them: 'sh-fallback', 'sh-port', 'flag-3'. */
  schedulerFlags: string[];
  /** `tableSize` undefined: the scheduler's own default. */
  schedulerOptions?: { tableSize?: number; stableCursor?: boolean; randomStart?: boolean };
  /** Absent when new connections of a client may go anywhere. */
  persistence?: NativePersistence;
  /** Every UDP datagram is scheduled by itself. */
  onePacket?: boolean;
  /** What happens to a packet from the middle of an unknown connection; absent for 'reset'. */
  midStream?: 'reset' | 'hash';
  /** UDP connections of a removed server go to another one. */
  rescheduleUdp?: boolean;
  /** When the host has the route of its address; absent for 'always'. The native part does not read it. */
  announce?: 'always' | 'when-up';
  /** [0, 86400]; with 0 a new server has its whole weight at once. */
  slowStartSeconds?: number;
  /** Seconds by `native.timeoutNames`, each [1, 2678400], for states of its protocol; they replace the director's. */
  timeouts?: Record<string, number>;
}

/** What names a real server within its virtual service. */
export interface NativeServerKey {
  address: string;
  port: number;
}

/** What was found or decided about a real server; each part has one writer. */
export interface NativeServerCondition {
  /** When false, it gets no new connections. */
  isUp: boolean;
  /** When true, it gets no new connections. */
  isDraining: boolean;
  /** [0, 2^31-1]; replaces the configured weight unless that is 0; absent for none. */
  assignedWeight?: number;
  /** What health says; absent when nobody says anything. */
  health?: NativeServerHealth;
}

export interface NativeServerHealth {
  isUp: boolean;
  /** When true, no scheduler sees it. */
  isOut: boolean;
  /** 'keep', 'drop', 'reset' or 'reschedule'. */
  onDown: string;
  /** [0, 2^31-1]; replaces the configured weight; absent for none. */
  weight?: number;
  /** 0 or more; absent for 1. */
  factor?: number;
  /** [-(2^31-1), 2^31-1]; absent for 0. */
  add?: number;
}

export interface NativeServerConfig {
  /** One of `native.forwardingMethods`. */
  forwarding: string;
  /** UDP port of a GUE tunnel, [1, 65535]; 0 with the other methods. */
  tunnelPort: number;
  /** 'none', 'checksum' (GUE, GRE) or 'remote' (GUE). */
  tunnelChecksum: string;
  /** How the server is told the client's address: 'none', 'toa' or 'proxy'. */
  clientAddress: string;
  /** The configured weight, [0, 2^31-1]; 0 gets no new connections. */
  weight: number;
  /** Connections (active + inactive) from which it gets no new ones; 0: no limit. */
  upperThreshold: number;
  /** Connections below which it gets new ones again; 0: three quarters of the upper threshold. */
  lowerThreshold: number;
  /** It is a sorry server; absent for false. */
  isSorry?: boolean;
}
