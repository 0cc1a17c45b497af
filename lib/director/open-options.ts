/** What `Director.open` and `Director.offline` take; director-options.ts checks it. */
import type { FullNatOptions } from './full-nat-options.js';
import type { Egress } from '../values/egress.js';
import type { FastPathChoice } from '../values/fast-path.js';
import type { Role } from '../values/role.js';
import type { OffloadChoice } from '../values/offload.js';

/** The TUN device that {@link Director.open} opens. */
export interface DeviceOptions {
  /** Names the TUN interface, in at most 15 bytes. `%d` stands for a free number. The default is 'tunvs0'. */
  name?: string;
  /** Sets the number of queues, [1, 64], each with a worker thread. The default is one for each CPU, at most 4. */
  queues?: number;
  /**
   * Sets the length of the longest packet that is read, in bytes, [576, 65535]. Longer packets are dropped and counted.
   * The default is the larger of 2048 and `pathMtu`.
   */
  maxPacketBytes?: number;
  /**
   * Says what chooses the queue of a packet, so that a flow stays with one worker. With 'auto', the default, it is a
   * program in the kernel (BPF) where the kernel takes one, and the kernel's own flow table elsewhere. With 'kernel' it
   * is the flow table. It holds for `markDevices` too.
   */
  steering?: 'auto' | 'kernel';
}

/**
 * A further TUN device, whose packets have a firewall mark at the director. {@link Director.open} adds the rule (`ip
 * rule add fwmark`) that steers packets of that mark to it; with `setUpHost: false` the host has to have one.
 */
export interface MarkDeviceOptions {
  /** Sets the firewall mark, [1, 2^32 - 1]. */
  mark: number;
  /** Names the TUN interface, as for the main device. The default is 'tunvsm%d'. */
  name?: string;
  /** Sets the number of queues, [1, 64]; each has a worker thread. The default is 1; all devices have at most 64. */
  queues?: number;
}

/** The way in which {@link Director.open} sets up the host. */
export interface HostOptions {
  /**
   * Sets the device's MTU in bytes, [576, maxPacketBytes]. It should be the path MTU to the real servers less the outer
   * header. When a packet is longer, the host answers the client "fragmentation needed"; when it is too long for its
   * real server alone, the director does. The default is `pathMtu` - 20.
   */
  mtuBytes?: number;
  /** Sets how many packets of a queue may wait for a worker, [1, 2^31 - 1]. The default is 4096. */
  txQueueLength?: number;
  /** Says whether the host answers ARP for virtual addresses in one of its subnets. The default is true. */
  answersArp?: boolean;
  /**
   * Says how the neighbours of a LAN are told that this host answers for a virtual address from now on, by gratuitous ARP
   * and unsolicited neighbour advertisements. With false they are not told.
   */
  neighbourNews?: NeighbourNewsOptions | false;
}

/**
 * How neighbours are told of virtual addresses that this host answers for; the defaults are those of keepalived.
 *
 * @example
 * ```ts
 * import type { HostOptions, NeighbourNewsOptions } from 'tunvs';
 *
 * const neighbourNews: NeighbourNewsOptions = { count: 3, againMs: 10_000, refreshMs: 60_000 };
 * const setUpHost: HostOptions = { neighbourNews };
 * console.log(setUpHost.answersArp ?? true); // true
 * ```
 */
export interface NeighbourNewsOptions {
  /** Sets how many packets for each address are sent at once, and as many again later, [1, 100]. The default is 5. */
  count?: number;
  /** Sets the milliseconds until they are sent again, [0, 3600000]; with 0 they are not. The default is 5000. */
  againMs?: number;
  /**
   * Sets the milliseconds between two packets for each address from then on, [0, 86400000]. The default is 0: there are
   * none.
   */
  refreshMs?: number;
}

/** The values of {@link PingReply}. */
export const pingReplies = ['always', 'when-up', 'never'] as const;

/**
 * Says when an echo request to a virtual address is answered. With 'when-up' it is answered only if a real server is
 * up, not drained, and of a weight above 0. It does not matter whether that server has reached its upper threshold.
 */
export type PingReply = (typeof pingReplies)[number];

/** The values of {@link NoServerReply}. */
export const noServerReplies = ['unreachable', 'reset'] as const;

/**
 * Says what a client gets when no real server may take its connection. With 'unreachable' it gets an ICMP port
 * unreachable, as from IPVS. With 'reset' a TCP client gets a RST, and the others the ICMP error.
 */
export type NoServerReply = (typeof noServerReplies)[number];

/** The values of {@link UnmatchedReplies}. */
export const unmatchedReplies = ['drop', 'pass'] as const;

/**
 * Says what becomes of a packet that a real server's service sends, by `nat`, to a client that has no connection: an
 * answer that came too late, or one to a client that spoke to the real server's own address. With 'drop' it ends here,
 * as it would show the client the real server's address. With 'pass' it goes on as it is, as with IPVS; then clients may
 * also use the real server's own address and port through this host.
 */
export type UnmatchedReplies = (typeof unmatchedReplies)[number];

/** The options that every director takes, with a device or without. */
export interface EngineOptions {
  /**
   * Sets the director's addresses (DIP), which are the outer source of tunnel packets: at most one for each address
   * family. When a range such as '10.2.1.0/28' is given, each flow takes the address that its hash picks, which spreads
   * flows over paths and over the real servers' queues. The range has to be routed to the director, and no virtual
   * address may lie in it.
   */
  source: string | readonly string[];
  /** Sets the path MTU to real servers where no smaller one was learned, in bytes, [576, 65535]; 1500 by default. */
  pathMtu?: number;
  /**
   * Sets the narrowest path to a real server that ICMP errors can bring about, in bytes, [68, `pathMtu`]. The default
   * is 552, as Linux has it (`net.ipv4.route.min_pmtu`); for IPv6 real servers it is at least 1280. When it equals
   * `pathMtu`, no ICMP error is believed.
   */
  pathMtuFloor?: number;
  /** Says when an echo request to a virtual address is answered. The default is 'always'. */
  pingReply?: PingReply;
  /** Says what a client gets when no real server may take its connection. The default is 'unreachable'. */
  noServerReply?: NoServerReply;
  /** Says what becomes of real servers' packets without a connection, with `nat`. The default is 'drop'. */
  unmatchedReplies?: UnmatchedReplies;
  /** Describes full NAT, which real servers with the method 'snat' need. The default is none. */
  fullNat?: FullNatOptions;
  /** Sets how many connections of each address family fit the table, [1024, 2^28]. The default is 1,048,576. */
  maxConnections?: number;
}

/**
 * The options of {@link Director.open}.
 *
 * @example
 * ```ts
 * import { Director, type DirectorOpenOptions } from 'tunvs';
 *
 * const options: DirectorOpenOptions = {
 *   source: '10.2.0.2',
 *   maxConnections: 65_536,
 *   device: { name: 'web%d', queues: 2 },
 *   egress: 'tun',
 *   setUpHost: { answersArp: false },
 *   signal: AbortSignal.timeout(10_000),
 * };
 * const director = await Director.open(options);
 * console.log(director.device?.name, director.device?.egress); // web0 tun
 * await director.close();
 * ```
 */
export interface DirectorOpenOptions extends EngineOptions {
  /** Describes the TUN device that packets of virtual services come by. */
  device?: DeviceOptions;
  /**
   * Opens further devices, one for each firewall mark that somebody else gives, such as nftables. A rule of
   * {@link Director.setMarks} takes precedence over the mark of a device.
   */
  markDevices?: readonly MarkDeviceOptions[];
  /** Chooses how packets leave. The default, 'auto', takes the first of 'packet', 'raw' and 'tun' that works. */
  egress?: 'auto' | Egress;
  /**
   * Chooses the offloads. The default, 'auto', uses those that work here; 'off' uses none. A list uses these and no
   * others, and open() rejects when one of them does not work.
   */
  offloads?: OffloadChoice;
  /**
   * Says whether packets of established connections are sent on inside the kernel (docs/fast-path.md). 'off' is the
   * default; 'auto' does it where it can be; with 'egress' open() rejects where it can't. 'ingress:eth0' or
   * 'ingress:eth0,eth1' does it for what comes in by these devices before the host has routed it, too. It needs Linux
   * 5.15, and root or CAP_BPF, with CAP_PERFMON before 6.17.
   */
  fastPath?: FastPathChoice;
  /**
   * Names devices of the host of which packets for virtual addresses are taken as they come in, by rings in memory,
   * before the host has routed them (docs/rings.md). Packets that come by other devices, or that a ring leaves alone,
   * go by `device` as without. Each ring has as many queues as `device`, each with a worker. It goes with no
   * `markDevices`, nor with a fast path at the ingress of the same device. The default is none.
   */
  rings?: readonly string[];
  /**
   * Names a folder of a tmpfs in which the connections lie while the director runs, so that they outlive its process: the
   * director that is opened with the same folder next, after close(), a crash or SIGKILL, goes on with them
   * (docs/redundancy.md). The folder is made unless it is there. Its file takes as much memory as the tables, all of it
   * from the start. One director has it at a time. It goes with no fast path. By default connections end with the
   * director.
   */
  state?: string;
  /**
   * Says whether the director takes the place of the one that runs with the same `state`, if one does, and loses no
   * packet by it: it gets that one's devices, and packets wait in them from open() on until
   * {@link Director.completeTakeover}, which is to be called when the services are there. The default is false: such a
   * director is refused.
   */
  takeover?: boolean;
  /**
   * Says what the director is for its host (docs/roles.md). A 'standby' has services, connections and checks like any
   * other, but no route, rule or proxy entry brings it packets until {@link Director.setRole}. The default is 'active'.
   */
  role?: Role;
  /** Seeds the connection table's hash, [0, 2^64). When it is left out, the seed is secret, which resists floods. */
  hashSeed?: bigint;
  /**
   * Says whether to set up the host (device up, ip_forward, a route for each virtual address, ...), and how. close()
   * undoes all of it. The default is true, unless one of the devices existed before.
   */
  setUpHost?: boolean | HostOptions;
  /**
   * Sets how long a worker spins on an idle device before it sleeps, in microseconds, [0, 1000000]. By default a worker
   * spins for up to 20 while packets come so densely that waking up would cost more; with 0 it never does.
   */
  busyPollUs?: number;
  /**
   * Keeps each worker on a CPU, [0, 1023]: the first worker on the first of the list, and from its beginning again where
   * there are more workers than CPUs. Only CPUs that this process may run on are taken. The default is no list: the
   * kernel chooses.
   */
  cpus?: readonly number[];
  /**
   * Says whether the egress 'packet' leaves the queueing discipline of the interface out. That costs less where there is
   * one, but shapes no traffic, and drops at once when the interface's ring is full. It needs the egress 'packet'. The
   * default is false.
   */
  bypassesQdisc?: boolean;
  /** When it is aborted before the director is open, open() undoes what it has done and rejects with its reason. */
  signal?: AbortSignal;
}

/**
 * The options of {@link Director.offline}.
 *
 * @example
 * ```ts
 * import { Director, type OfflineOptions } from 'tunvs';
 *
 * const options: OfflineOptions = { source: '10.2.0.2', maxConnections: 1024, localAddresses: ['10.2.0.3'] };
 * const director = Director.offline(options);
 * const service = director.addVirtualService({ protocol: 'tcp', address: '192.0.2.1', port: 80 });
 * console.log(service.addRealServer({ address: '10.2.0.3' }).forwarding); // local
 * ```
 */
export interface OfflineOptions extends EngineOptions {
  /** Seeds the connection table's hash, [0, 2^64). The default is 0, so that runs can be repeated. */
  seed?: bigint | number;
  /**
   * Lists the addresses that the director's host has besides `source` and loopback. A real server at one of them is
   * local. The default is none.
   */
  localAddresses?: readonly string[];
}
