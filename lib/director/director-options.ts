/** What `Director.open` and `Director.offline` take, and how it is checked. */
import { availableParallelism } from 'node:os';
import { type Egress, egresses } from '../values/egress.js';
import type { NativeDirectorOptions } from '../native/director.js';
import type { NativeEngineOptions, NativeStartOptions } from '../native/engine.js';
import {
  addressOption,
  booleanOption,
  checkedOptions,
  choiceOption,
  integerOption,
  MAX_INT32,
  MAX_UINT32,
  readArguments,
  refuse,
  signalOption,
  uint64Option,
} from '../values/options.js';
import { parseSource, sourceFamily } from '../values/source.js';

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
}

/**
 * A further TUN device, whose packets have a firewall mark at the director. The host's rules (`ip rule add fwmark`)
 * have to steer packets of that mark to it.
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

/** The options that every director takes, with a device or without. */
export interface EngineOptions {
  /**
   * Sets the director's addresses (DIP), which are the outer source of tunnel packets: at most one for each address
   * family. When a range such as '10.2.1.0/28' is given, each flow takes the address that its hash picks, which spreads
   * flows over paths and over the real servers' queues. The range has to be routed to the director.
   */
  source: string | readonly string[];
  /** Sets the path MTU to real servers where no smaller one was learned, in bytes, [576, 65535]; 1500 by default. */
  pathMtu?: number;
  /**
   * Sets the narrowest path to a real server that ICMP errors can bring about, in bytes, [68, 65535]. The default is
   * 552, as Linux has it (`net.ipv4.route.min_pmtu`); for IPv6 real servers it is at least 1280. When it equals
   * `pathMtu`, no ICMP error is believed.
   */
  pathMtuFloor?: number;
  /** Says when an echo request to a virtual address is answered. The default is 'always'. */
  pingReply?: PingReply;
  /** Says what a client gets when no real server may take its connection. The default is 'unreachable'. */
  noServerReply?: NoServerReply;
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
  /** Seeds the connection table's hash, [0, 2^64). When it is left out, the seed is secret, which resists floods. */
  hashSeed?: bigint;
  /**
   * Says whether to set up the host (device up, ip_forward, a route for each virtual address, ...), and how. close()
   * undoes all of it. The default is true, unless one of the devices existed before.
   */
  setUpHost?: boolean | HostOptions;
  /** Sets how long a worker spins on an idle device before it sleeps, in microseconds, [0, 1000000]; 0 by default. */
  busyPollUs?: number;
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

export interface CheckedOpenOptions {
  native: NativeEngineOptions;
  start: NativeStartOptions;
  /** Undefined: decided by whether the device existed. */
  setUpHost: boolean | undefined;
  host: HostOptions;
  signal: AbortSignal | undefined;
}

const DEFAULT_MAX_CONNECTIONS = 1 << 20;
const DEFAULT_MAX_PACKET_BYTES = 2048;
export const DEFAULT_PATH_MTU = 1500;
export const DEFAULT_MARK_DEVICE = 'tunvsm%d';
/** A worker thread each, which the engine has at most 64 of. */
const MAX_QUEUES = 64;

const ENGINE_OPTIONS = ['source', 'pathMtu', 'pathMtuFloor', 'pingReply', 'noServerReply', 'maxConnections'] as const;

export function checkedOpenOptions(given: DirectorOpenOptions): CheckedOpenOptions {
  const call = 'Director.open';
  const ownOptions = ['device', 'markDevices', 'egress', 'hashSeed', 'setUpHost', 'busyPollUs', 'signal'] as const;
  return readArguments(call, () => openOptions(call, checkedOptions(call, given, [...ENGINE_OPTIONS, ...ownOptions])));
}

function openOptions(call: string, options: DirectorOpenOptions): CheckedOpenOptions {
  const engine = checkedEngine(call, options);
  const device = checkedDevice(`${call}: device`, options.device ?? {}, engine.pathMtu);
  const marked = checkedMarkDevices(`${call}: markDevices`, options.markDevices ?? [], device);
  const host = typeof options.setUpHost === 'object' && options.setUpHost !== null ? options.setUpHost : undefined;
  return {
    native: {
      ...engine,
      workers: queuesOf([device, ...marked]),
      ...(options.hashSeed === undefined ? {} : { seed: uint64Option(`${call}: hashSeed`, options.hashSeed) }),
    },
    start: {
      device,
      markDevices: marked,
      egress: choiceOption(`${call}: egress`, options.egress, ['auto', ...egresses], 'auto'),
      busyPollUs: integerOption(`${call}: busyPollUs`, options.busyPollUs, 0, 1_000_000, 0),
    },
    setUpHost:
      host || options.setUpHost === undefined
        ? host && true
        : booleanOption(`${call}: setUpHost`, options.setUpHost, true),
    host: checkedHost(`${call}: setUpHost`, host ?? {}, device.maxPacketBytes, engine.pathMtu),
    signal: signalOption(`${call}: signal`, options.signal),
  };
}

export function checkedOfflineOptions(given: OfflineOptions): {
  native: NativeDirectorOptions;
  localAddresses: string[];
} {
  const call = 'Director.offline';
  return readArguments(call, () =>
    offlineOptions(call, checkedOptions(call, given, [...ENGINE_OPTIONS, 'seed', 'localAddresses'])),
  );
}

function offlineOptions(call: string, options: OfflineOptions): ReturnType<typeof checkedOfflineOptions> {
  const { localAddresses = [] } = options;
  if (!Array.isArray(localAddresses)) refuse(`${call}: localAddresses`, localAddresses, 'a list of addresses');
  return {
    native: {
      ...checkedEngine(call, options),
      seed: uint64Option(`${call}: seed`, options.seed ?? 0n),
    },
    localAddresses: Array.from(localAddresses, (address) => addressOption(`${call}: localAddresses`, address)),
  };
}

type CheckedEngine = Omit<NativeDirectorOptions, 'seed'>;

function checkedEngine(call: string, options: EngineOptions): CheckedEngine {
  return {
    sources: checkedSources(`${call}: source`, options.source),
    pathMtu: integerOption(`${call}: pathMtu`, options.pathMtu, 576, 65535, DEFAULT_PATH_MTU),
    pathMtuFloor: integerOption(`${call}: pathMtuFloor`, options.pathMtuFloor, 68, 65535, 552),
    pingReply: choiceOption(`${call}: pingReply`, options.pingReply, pingReplies, 'always'),
    noServerReply: choiceOption(`${call}: noServerReply`, options.noServerReply, noServerReplies, 'unreachable'),
    maxConnections: integerOption(
      `${call}: maxConnections`,
      options.maxConnections,
      1024,
      2 ** 28,
      DEFAULT_MAX_CONNECTIONS,
    ),
  };
}

function checkedSources(name: string, value: unknown): string[] {
  const given: unknown[] = Array.isArray(value) ? Array.from(value) : [value];
  if (given.length === 0)
    refuse(name, value, 'the address that tunnel packets come from, such as an address of this host');
  const sources = given.map((source) => {
    const parsed = typeof source === 'string' ? parseSource(source) : { mistake: 'is no text' };
    if (typeof parsed === 'string') return parsed;
    return refuse(
      name,
      source,
      `a unicast address or a range of them, as '10.2.0.2' or '10.2.1.0/28' (it ${parsed.mistake})`,
    );
  });
  if (new Set(sources.map(sourceFamily)).size < sources.length) refuse(name, value, 'at most one address per family');
  return sources;
}

function checkedDevice(name: string, given: DeviceOptions, pathMtu: number): Required<DeviceOptions> {
  const options = checkedOptions(name, given, ['name', 'queues', 'maxPacketBytes']);
  return {
    name: checkedDeviceName(`${name}.name`, options.name ?? 'tunvs0'),
    queues: integerOption(`${name}.queues`, options.queues, 1, MAX_QUEUES, Math.min(4, availableParallelism())),
    maxPacketBytes: integerOption(
      `${name}.maxPacketBytes`,
      options.maxPacketBytes,
      576,
      65535,
      Math.max(DEFAULT_MAX_PACKET_BYTES, pathMtu),
    ),
  };
}

function checkedMarkDevices(
  name: string,
  options: readonly MarkDeviceOptions[],
  main: Required<DeviceOptions>,
): Required<MarkDeviceOptions>[] {
  if (!Array.isArray(options)) refuse(name, options, 'an array of { mark, ... }');
  const devices = Array.from(options, (each: MarkDeviceOptions) => checkedMarkDevice(name, each));
  for (const [index, { mark, name: device }] of devices.entries()) {
    const others = devices.slice(0, index);
    if (others.some((other) => other.mark === mark)) refuse(`${name}.mark`, mark, 'another mark for each device');
    if (!device.includes('%d') && [main, ...others].some((other) => other.name === device))
      refuse(`${name}.name`, device, 'another name for each device');
  }
  const queues = queuesOf([main, ...devices]);
  if (queues > MAX_QUEUES) refuse(`${name}: the queues of all devices`, queues, `at most ${MAX_QUEUES}`);
  return devices;
}

function checkedMarkDevice(name: string, given: MarkDeviceOptions): Required<MarkDeviceOptions> {
  const options = checkedOptions(name, given, ['mark', 'name', 'queues']);
  return {
    mark: integerOption(`${name}.mark`, options.mark, 1, MAX_UINT32),
    name: checkedDeviceName(`${name}.name`, options.name ?? DEFAULT_MARK_DEVICE),
    queues: integerOption(`${name}.queues`, options.queues, 1, MAX_QUEUES, 1),
  };
}

function queuesOf(devices: readonly { queues: number }[]): number {
  return devices.reduce((sum, { queues }) => sum + queues, 0);
}

/** The kernel's own rules (dev_valid_name). */
function checkedDeviceName(name: string, value: unknown): string {
  const isValid =
    typeof value === 'string' && /^[^\s/:]+$/.test(value) && Buffer.byteLength(value) <= 15 && !/^\.\.?$/.test(value);
  return isValid ? value : refuse(name, value, 'an interface name of 1 to 15 bytes without spaces, "/" and ":"');
}

/** What the longest packet in an IPv4 tunnel without options may be. */
export function defaultDeviceMtu(pathMtu: number): number {
  return pathMtu - 20;
}

function checkedHost(name: string, given: HostOptions, maxPacketBytes: number, pathMtu: number): HostOptions {
  const options = checkedOptions(name, given, ['mtuBytes', 'txQueueLength', 'answersArp']);
  const defaultMtu = Math.min(defaultDeviceMtu(pathMtu), maxPacketBytes);
  return {
    mtuBytes: integerOption(`${name}.mtuBytes`, options.mtuBytes, 576, maxPacketBytes, defaultMtu),
    ...(options.txQueueLength === undefined
      ? {}
      : { txQueueLength: integerOption(`${name}.txQueueLength`, options.txQueueLength, 1, MAX_INT32) }),
    answersArp: booleanOption(`${name}.answersArp`, options.answersArp, true),
  };
}
