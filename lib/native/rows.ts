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
  /** Stable while the server is configured; names it in connection rows. */
  id: number;
  /** What schedulers go by; a slow start may leave a fraction. */
  effectiveWeight: number;
  activeConnections: number;
  inactiveConnections: number;
  persistentConnections: number;
  overloaded: boolean;
  /** Path MTU to it in force now, bytes: learned, or the director's. */
  pathMtu: number;
  /** "Too big" answers that its clients were sent. */
  tooBig: bigint;
  /** Fragments of outer packets. */
  fragmentsSent: bigint;
}

export interface NativeServiceRow extends NativeServiceKey, NativeServiceConfig, NativeTraffic {
  /** Of its connection policy, where it has one. */
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
  /** IPVS's name: ESTABLISHED, SYN_RECV, UDP, ... */
  state: string;
  expiresMs: number;
  /** Counted in activeConnections. */
  active: boolean;
  /** A persistence template: it carries no packets, but says where its client's next connections go. */
  template: boolean;
  /** A template's connections. */
  controlled: number;
  /** Of a template that a persistence engine made: its name, and what it knows the client by. */
  persistenceEngine?: string;
  persistenceData?: string;
}

/** What would become of a packet, and why. */
export interface NativeExplanation {
  /** One of `native.verdicts`. */
  verdict: string;
  by: 'nothing' | 'connection' | 'persistence' | 'table' | 'scheduler' | 'datagram';
  /** That a new connection would be of. */
  service?: NativeServiceKey;
  server?: NativeServerKey;
  /** Of the connection that the packet belongs to. */
  connectionState?: string;
  /** That connection would give way to a new one. */
  endsConnection: boolean;
}
