/**
 * Declares and loads the addon; the only file that imports the `.node` binary.
 *
 * Everything native is named by its identity (protocol, address, port), as in ipvsadm, so that a list of operations
 * needs no ids. Errors thrown by the addon are plain `Error`s with a `code` (`ERR_TUNVS_*`), and `syscall` and `errno`
 * where a system call failed; `errors.ts` turns them into `TunvsError`.
 */
import { createRequire } from 'node:module';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

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
  /** A packet from the middle of an unknown connection is scheduled, not reset. */
  hashesMidStream?: boolean;
  /** UDP connections of a removed server go to another one. */
  reschedulesUdp?: boolean;
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

export interface NativeServerConfig {
  /** One of `native.forwardingMethods`. */
  forwarding: string;
  /** UDP port of a GUE tunnel, [1, 65535]; 0 with the other methods. */
  tunnelPort: number;
  /** 'none', 'checksum' (GUE, GRE) or 'remote' (GUE). */
  tunnelChecksum: string;
  /** [0, 2^31-1]; 0 gets no new connections. */
  weight: number;
  /** Connections (active + inactive) at which no new one is given; 0: no limit. */
  upperThreshold: number;
  /** Connections below which new ones are given again; 0: three quarters of the upper threshold. */
  lowerThreshold: number;
}

/** Who decides about a service's new connections before its scheduler. */
export type NativePolicy =
  | { kind: 'none' }
  | {
      kind: 'table';
      servers: NativeServerKey[];
      /** A server for each slot: indexes of `servers`. */
      slots: Uint32Array;
      hashesPort: boolean;
    }
  | {
      kind: 'connection';
      /** What the function of onPolicies is called with. */
      id: number;
      /** [1, 10000], rounded up to 4 ms. */
      deadlineMs: number;
      /** Of the first packet, [0, 256]. */
      packetBytes: number;
    };

/** A batch of new connections, 512 rows at most, in shared memory; see native/binding/policy_binding.h. */
export interface NativePolicyColumns {
  /** 16 bytes each, of which IPv4 takes the first 4. */
  clients: Uint8Array;
  virtuals: Uint8Array;
  clientPorts: Uint16Array;
  virtualPorts: Uint16Array;
  /** 4 or 6. */
  families: Uint8Array;
  protocols: Uint8Array;
  /** 256 bytes each, as many of them used as `packetLengths` says. */
  packets: Uint8Array;
  packetLengths: Uint16Array;
  /** To be filled in: real servers' ids; 2^32-1, as it comes: the scheduler decides; 2^32-2: no answer. */
  answers: Uint32Array;
}

/** A list of these is applied as one transaction: all or none, visible to the workers at once. */
export type NativeOperation =
  | { op: 'addService'; service: NativeServiceKey; config: NativeServiceConfig }
  | { op: 'editService'; service: NativeServiceKey; config: NativeServiceConfig }
  | { op: 'deleteService'; service: NativeServiceKey }
  | { op: 'addServer'; service: NativeServiceKey; server: NativeServerKey; config: NativeServerConfig }
  | { op: 'editServer'; service: NativeServiceKey; server: NativeServerKey; config: NativeServerConfig }
  | { op: 'deleteServer'; service: NativeServiceKey; server: NativeServerKey }
  | { op: 'clear' }
  /** Replaces the rules by which packets get a mark. */
  | { op: 'setMarks'; rules: NativeMarkRule[] }
  | { op: 'setPolicy'; service: NativeServiceKey; policy: NativePolicy }
  /** Zeroes counters; without `service` all of them. */
  | { op: 'zero'; service?: NativeServiceKey };

/** Totals since the last zeroing. */
export interface NativeTraffic {
  connections: bigint;
  inPackets: bigint;
  inBytes: bigint;
  outPackets: bigint;
  outBytes: bigint;
}

export interface NativeServerRow extends NativeServerKey, NativeServerConfig, NativeTraffic {
  /** Stable while the server is configured; names it in connection rows. */
  id: number;
  /** `weight`, or what of it a slow start has reached. */
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

/**
 * What a policy was asked, and what became of it. Connections: asked = answered + late + failed + overflow + those that
 * wait now.
 */
export interface NativePolicyCounters {
  asked: bigint;
  answered: bigint;
  /** Without an answer in time: the scheduler decided. Weights: not asked again, because the last answer was pending. */
  late: bigint;
  /** Thrown, rejected, or answered with what cannot be: the scheduler decided, or the weights stayed. */
  failed: bigint;
  /** Connections for which there was no room to wait: the scheduler decided at once. */
  overflow: bigint;
  /** Packets that waited for an answer. */
  parked: bigint;
  /** Packets for which there was no room behind those of their connection. */
  dropped: bigint;
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
  engine?: string;
  engineData?: string;
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

export interface NativeOutput {
  /** The packet as it would be sent, outer header first. */
  data: Uint8Array;
  /** Index in `packets` of the packet that caused it. */
  cause: number;
}

export interface NativeProcessResult {
  outputs: NativeOutput[];
  /** Per packet an index into `native.verdicts`. */
  verdicts: Uint8Array;
}

export interface NativeDirectorOptions {
  /** Capacity of the connection table per address family, [1024, 2^28]. */
  maxConnections: number;
  /** Worker threads, one per device queue, [1, 64]; 1 when offline. */
  workers: number;
  /** Director addresses (DIP), at most one per family; with `/LENGTH` a range that a flow's hash picks from. */
  sources: string[];
  /** Path MTU to real servers of which nothing smaller was learned, bytes, [576, 65535]. */
  pathMtu: number;
  /** Bytes, [68, 65535]. */
  pathMtuFloor: number;
  /** Who answers an echo request to a virtual address: 'always', 'when-up' or 'never'. */
  pingReply: string;
  /** What a client gets when no real server may take its connection: 'unreachable' or 'reset'. */
  noServerReply: string;
  /** 64-bit seed of the table's hash; undefined draws one. */
  seed?: bigint;
  /** No device: `process` drives the engine and its times are the clock. */
  offline: boolean;
}

export interface NativeStartOptions {
  device: {
    /** Interface name, at most 15 bytes; may hold `%d`. Attached when it exists, created otherwise. */
    name: string;
    queues: number;
    /** Longest packet read, bytes, [576, 65535]. */
    maxPacketBytes: number;
  };
  /** What is read from them carries a mark, [1, 2^32-1]. The queues of all devices are the director's workers. */
  markDevices: { name: string; queues: number; mark: number }[];
  /** 'auto' or one of `native.egresses`. */
  egress: string;
  /** How long a worker spins on an idle device before it sleeps, microseconds; 0: not at all. */
  busyPollUs: number;
}

export interface NativeStarted {
  device: string;
  /** The device was there before and stays. */
  attached: boolean;
  /** In the order of the options. */
  markDevices: { name: string; attached: boolean }[];
  egress: string;
  /** Why each egress that 'auto' passed over was not taken. */
  passedOver: { egress: string; reason: string }[];
  /** What does not work, though the director runs; one sentence each. */
  warnings: string[];
}

export interface NativeEvent {
  type: string;
  /** Meaning depends on the type. */
  value: number;
  message: string;
}

export interface NativeEnded {
  ended: number;
  next: number;
}

/** See native/binding/director_wrap.h. After close() every call but close() throws ERR_TUNVS_CLOSED. */
export interface NativeDirector {
  /** True when connections of servers that it removed are still to be ended: see endRemoved(). */
  apply(operations: NativeOperation[]): boolean;
  /** Goes on with that, a bounded piece of it; true when nothing is left. */
  endRemoved(): boolean;
  services(): NativeServiceRow[];
  /** One of them, and one of its servers, without the others; undefined when it is not configured. */
  service(service: NativeServiceKey): NativeServiceRow | undefined;
  server(service: NativeServiceKey, server: NativeServerKey): NativeServerRow | undefined;
  /** Rows from `cursor` (0 to begin); `next` is the cursor to go on with, or -1 at the end. */
  connections(cursor: number, limit: number): { rows: NativeConnectionRow[]; next: number };
  /** What would become of this packet now; changes nothing. `mark`: of its device, 0 for none. */
  explain(packet: Uint8Array, mark: number): NativeExplanation;
  /**
   * Ends connections of a real server that is configured, a bounded piece of the table from `cursor` (0 to begin) on,
   * offline all of it; `next` is the cursor to go on with, or -1 at the end.
   */
  endConnections(service: NativeServiceKey, server: NativeServerKey, cursor: number): NativeEnded;
  /** Frees what nobody uses any more, and takes slow starts on. Call every second or so. */
  collect(): void;
  /** Seconds by `native.timeoutNames`, each [1, 2678400]; those left out stay as they are. */
  setTimeouts(timeouts: Record<string, number>): void;
  /** All of them. */
  timeouts(): Record<string, number>;
  /** `name` without the `net.ipv4.vs.` prefix. */
  setSysctl(name: string, value: number): void;
  /** Of a defence in mode 1 or 2 (drop_entry, drop_packet, secure_tcp): 2 while it is on, 1 while it is not. */
  sysctls(): Record<string, number>;
  /** Sums every worker's counters into `target`, in the order of `native.counters`. */
  readCounters(target: BigUint64Array): void;
  /** Connections in the table now, per family, and its capacity. */
  tableInfo(): { ipv4: number; ipv6: number; capacity: number; bytes: number; engineDataBytes: number };
  /** Offline only. `timesMs` are the packets' times, not decreasing, on any scale that starts at 0. */
  process(packets: Uint8Array[], timesMs: Float64Array): NativeProcessResult;
  /** Offline only: lets time pass, so that connections expire. */
  advance(atMs: number): void;
  start(options: NativeStartOptions): NativeStarted;
  /** Called on the event loop with what happened since the last call; batched, never keeps the process alive. */
  onEvents(callback: (events: NativeEvent[]) => void): void;
  /**
   * `answer` is called within putQuestions(), offline within process(), with a policy's id and how many connections wait
   * for its answer in the columns that this returns; `onQuestions`, not called offline, on the event loop when
   * putQuestions() has something to do. Once, before start().
   */
  onPolicies(answer: (policy: number, rows: number) => void, onQuestions?: () => void): NativePolicyColumns;
  /**
   * Has what waits answered, for a few milliseconds; `onQuestions` is called again where more waits. Does nothing on a
   * closed director.
   */
  putQuestions(): void;
  /** CPU time of the worker threads so far, nanoseconds. */
  workerCpu(): { userNs: bigint; systemNs: bigint }[];
  /** Within a policy: in force at once, and done when the policy has returned. */
  close(): void;
}

export interface NativeDecapsulatorOptions {
  /** TUN device that inner packets are written to; created, and gone when closed. */
  device: string;
  /** Director addresses whose packets are taken; may hold prefixes (`10.2.1.0/28`). */
  directors: string[];
  /** Virtual addresses that inner packets may be for. */
  virtualAddresses: string[];
  /** Which to take packets out of: 'ipip', 'gue', 'gre'. */
  encapsulations: string[];
  /** UDP ports that GUE comes to; at least one when it is taken. */
  guePorts: number[];
}

/** The real server's side: takes tunnel packets from sockets, writes the inner packets to a TUN device. */
export interface NativeDecapsulator {
  readonly device: string;
  /** Why it takes nothing apart any more; '' while it does. */
  readonly failure: string;
  /** In the order of `native.decapCounters`. */
  readCounters(target: BigUint64Array): void;
  close(): void;
}

export interface NativePcapSkipped {
  /** ARP and the like. */
  notIp: number;
  /** Captured with a snapshot length shorter than the packet. */
  truncated: number;
  /** Longer than an IP packet can be. */
  oversized: number;
  cutOff: number;
}

export type NativeHostChange = 'link' | 'address' | 'route' | 'rule' | 'proxy' | 'setting';

/** A thread that is told of changes to the network namespace that it was made in; does not keep the process alive. */
export interface NativeHostMonitor {
  /** Twice is fine; the function is not called after. */
  close(): void;
}

export interface NativePcapReader {
  /** DLT number: 101 RAW, 1 EN10MB. */
  readonly linkType: number;
  /**
   * Up to `max` IP packets (link headers stripped) with their absolute times in milliseconds; undefined at the end.
   * Throws where the file is cut off or damaged, once all packets before that were given.
   */
  next(max: number): { packets: Uint8Array[]; timesMs: Float64Array } | undefined;
  /** Records that gave no packet so far, by reason; `cutOff`: 1 where the file ends within a record. */
  skipped(): NativePcapSkipped;
  close(): void;
}

export interface NativePcapWriter {
  /** Link type RAW, microsecond timestamps. */
  write(packets: Uint8Array[], timesMs: Float64Array): void;
  close(): void;
}

export interface Native {
  Director: new (options: NativeDirectorOptions) => NativeDirector;
  Decapsulator: new (options: NativeDecapsulatorOptions) => NativeDecapsulator;
  /**
   * `changed` gets what has changed since it was called last, a bit for each of `hostChanges` in their order; all when
   * the kernel lost count.
   */
  HostMonitor: new (
    options: { routeProtocol: number },
    changed: (changes: number) => void,
  ) => NativeHostMonitor;
  hostChanges: NativeHostChange[];
  PcapReader: new (path: string) => NativePcapReader;
  PcapWriter: new (path: string) => NativePcapWriter;
  /**
   * Locks the file behind a descriptor without waiting; false when another open file holds it. The lock ends with the
   * descriptor, and so with the process.
   */
  tryLockFile(descriptor: number): boolean;
  /** What tells this thread's network namespace from all others since the host was booted. */
  networkNamespaceName(): string;
  schedulers: string[];
  forwardingMethods: string[];
  egresses: string[];
  counters: string[];
  /** For each of `counters`: what is counted (packets, bytes, connections, ...), and which of them, in words without a stop. */
  counterInfos: { kind: string; sentence: string }[];
  decapCounters: string[];
  verdicts: string[];
  /** For each of `verdicts`: what becomes of such a packet, roughly, and why, in words without a stop. */
  verdictInfos: { kind: 'sent' | 'answered' | 'kept' | 'dropped'; sentence: string }[];
  sysctlNames: string[];
  /** Of these sysctls, those that have no effect, with why: `has no effect here: ${why}`. */
  inertSysctls: Record<string, string>;
  timeoutNames: string[];
}

const here = dirname(fileURLToPath(import.meta.url));

/** The package's root: one level up from `lib` in a checkout, from `dist` when installed. */
function packageRoot(): string {
  for (let folder = here; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'binding.gyp'))) return folder;
    if (folder === dirname(folder))
      throw new Error(`tunvs: no binding.gyp above ${here}; the package is incomplete, install it again`);
  }
}

function load(): Native {
  const root = packageRoot();
  const binary = join(root, 'build', 'Release', 'tunvs.node');
  if (!existsSync(binary)) {
    throw Object.assign(
      new Error(
        `tunvs: its native part is not built (${binary}); run "npm rebuild tunvs" (needs python3, make and g++)`,
      ),
      { code: 'ERR_TUNVS_NOT_BUILT' },
    );
  }
  return createRequire(import.meta.url)(binary) as Native;
}

export const native: Native = load();
