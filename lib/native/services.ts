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
  /** The last port of a range that begins with `port`; left out or 0: the one port. */
  lastPort?: number;
  /** Length of the address prefix, [0, 32] or [0, 128]; left out: the one address. */
  prefix?: number;
  /** Firewall mark, [1, 2^32-1]. */
  mark?: number;
}

export interface NativePersistence {
  /** [1, 2678400] */
  timeoutSeconds: number;
  /** Which clients count as one: a dotted mask for IPv4, a prefix length for IPv6; left out: each by itself. */
  netmask?: string;
  /** 'sip': by Call-ID. */
  engine?: string;
}

/** Packets of `family` that fit in every part get the mark; of several rules the first counts. */
export interface NativeMarkRule {
  /** [1, 2^32-1] */
  mark: number;
  /** 4 or 6 */
  family: number;
  /** Client and virtual addresses, `ADDRESS` or `ADDRESS/LENGTH`. */
  source?: string;
  destination?: string;
  /** IP protocol number; left out or 0: any. */
  protocol?: number;
  /** Destination ports; left out: 0 and 65535. */
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
  /** Left out: new connections of a client may go anywhere. */
  persistence?: NativePersistence;
  /** Every UDP datagram is scheduled by itself. */
  onePacket?: boolean;
  /** What a packet from the middle of an unknown connection meets; left out: 'reset'. */
  midStream?: 'reset' | 'hash';
  /** UDP connections of a removed server go to another one. */
  rescheduleUdp?: boolean;
  /** [0, 86400]; 0: a new server has its whole weight at once. */
  slowStartSeconds?: number;
  /** Seconds by `native.timeoutNames`, each [1, 2678400], in place of the director's; of its protocol's states. */
  timeouts?: Record<string, number>;
}

/** What names a real server within its virtual service. */
export interface NativeServerKey {
  address: string;
  port: number;
}

/** What is true of a real server, or was decided about it; each part has one writer. */
export interface NativeServerCondition {
  /** False: it gets no new connections. */
  isUp: boolean;
  /** True: it gets no new connections. */
  isDraining: boolean;
  /** [0, 2^31-1], in place of the configured weight unless that is 0; left out: none. */
  assignedWeight?: number;
}

export interface NativeServerConfig {
  /** One of `native.forwardingMethods`. */
  forwarding: string;
  /** UDP port of a GUE tunnel, [1, 65535]; 0 with the other methods. */
  tunnelPort: number;
  /** 'none', 'checksum' (GUE, GRE) or 'remote' (GUE). */
  tunnelChecksum: string;
  /** What is configured, [0, 2^31-1]; 0 gets no new connections. */
  weight: number;
  /** Connections (active + inactive) at which no new one is given; 0: no limit. */
  upperThreshold: number;
  /** Connections below which new ones are given again; 0: three quarters of the upper threshold. */
  lowerThreshold: number;
}
