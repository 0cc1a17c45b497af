/** What the native part has counted, a row for each thing. */
import type { NativePolicyCounters } from './policies.js';
import type {
  NativeServerCondition,
  NativeServerConfig,
  NativeServerKey,
  NativeServiceConfig,
  NativeServiceKey,
} from './services.js';

/** Totals since the last zeroing. */
export interface NativeTraffic {
  connections: bigint;
  inPackets: bigint;
  inBytes: bigint;
  outPackets: bigint;
  outBytes: bigint;
}

export interface NativeServerRow extends NativeServerKey, NativeServerConfig, NativeServerCondition, NativeTraffic {
  /** Stable while the server is configured; it names the server in connection rows. */
  id: number;
  /** The weight that schedulers use; a slow start may leave a fraction. */
  effectiveWeight: number;
  activeConnections: number;
  inactiveConnections: number;
  persistentConnections: number;
  overloaded: boolean;
  /** Path MTU to it in force now, bytes: learned, or the director's. */
  pathMtu: number;
  /** "Too big" answers that were sent to its clients. */
  tooBig: bigint;
  /** Fragments of outer packets. */
  fragmentsSent: bigint;
  /** Connections whose SYN or INIT came again before anything else. */
  repeatedOpenings: bigint;
  /** Resets and aborts of connections that were not closed yet. */
  clientResets: bigint;
  /** ICMP errors about packets to it, except for those that tell an MTU. */
  tunnelErrors: bigint;
  /** With full NAT, how many pairs of address and port there are for its connections. */
  sourcePairs?: number;
  /** Present with `sourcePairs`: how many of them are taken, by whichever service of the server. */
  sourcePairsInUse?: number;
}

export interface NativeServiceRow extends NativeServiceKey, NativeServiceConfig, NativeTraffic {
  /** Present when it has a connection policy. */
  policy?: NativePolicyCounters;
  /** Newest first: the order in which schedulers walk. */
  servers: NativeServerRow[];
}

export interface NativeConnectionRow {
  protocol: number;
  clientAddress: string;
  clientPort: number;
  virtualAddress: string;
  virtualPort: number;
  serverAddress: string;
  serverPort: number;
  /** Present with full NAT: the pair that the server knows the connection by. */
  sourceAddress?: string;
  sourcePort?: number;
  /** IPVS's name: ESTABLISHED, SYN_RECV, UDP, ... */
  state: string;
  expiresMs: number;
  /** The connection counts in activeConnections. */
  active: boolean;
  /** A persistence template carries no packets, but says where its client's next connections go. */
  template: boolean;
  /** The connections of a template. */
  controlled: number;
  /** Present on a template that a persistence engine made: the engine's name, and what it knows the client by. */
  persistenceEngine?: string;
  persistenceData?: string;
}

export interface NativeEndpoint {
  address: string;
  port?: number;
}

/** Says what would become of a packet, and why. */
export interface NativeExplanation {
  /** One of `native.verdicts`. */
  verdict: string;
  by: 'nothing' | 'connection' | 'persistence' | 'table' | 'scheduler' | 'datagram' | 'pin';
  /** The service that a new connection would belong to. */
  service?: NativeServiceKey;
  server?: NativeServerKey;
  /**
   * What the packet's own addresses and ports are changed to (NAT); without ports where it has none, and without a
   * source where full NAT will pick one.
   */
  becomes?: { source?: NativeEndpoint; destination: NativeEndpoint };
  /** The connection that the packet belongs to. */
  connectionState?: string;
  /** That connection would give way to a new one. */
  endsConnection: boolean;
}
