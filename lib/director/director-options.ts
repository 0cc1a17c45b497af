/** What `Director.open` and `Director.offline` take, and how it is checked. */
import { availableParallelism } from 'node:os';
import { type Egress, egresses } from '../values/egress.js';
import type { NativeDirectorOptions } from '../native/director.js';
import type { NativeEngineOptions, NativeStartOptions } from '../native/engine.js';
import { deviceNameOption } from '../values/device-name.js';
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

export interface DeviceOptions {
  /** Name of the TUN interface, at most 15 bytes; `%d` stands for a free number. Default 'tunvs0'. */
  name?: string;
  /** Queues, each with a worker thread, [1, 64]; default: one per CPU, at most 4. */
  queues?: number;
  /** Longest packet that is read, [576, 65535]; longer ones are dropped and counted. Default 2048, or `pathMtu`. */
  maxPacketBytes?: number;
}

/** What the host's rules steer to it by its firewall mark (`ip rule add fwmark`) has that mark at the director. */
export interface MarkDeviceOptions {
  /** [1, 2^32 - 1] */
  mark: number;
  /** As of the main device. Default 'tunvsm%d'. */
  name?: string;
  /** Queues, each with a worker thread, [1, 64]; default 1. All devices together have at most 64. */
  queues?: number;
}

export interface HostOptions {
  /**
   * MTU that the device gets, [576, maxPacketBytes]: the path MTU to the real servers less the outer header. For
   * longer packets the host answers the client "fragmentation needed", and the director for those that are too long
   * for the real server that they go to. Default: `pathMtu` - 20.
   */
  mtuBytes?: number;
  /** Packets per queue that may wait for a worker, [1, 2^31 - 1]; default 4096. */
  txQueueLength?: number;
  /** Whether the host answers ARP for virtual addresses that lie in one of its subnets; default true. */
  answersArp?: boolean;
}

/**
 * Who answers an echo request to a virtual address: `when-up`: only if a real server is up, not drained and of weight
 * above 0, at its upper threshold or not.
 */
export const pingReplies = ['always', 'when-up', 'never'] as const;

export type PingReply = (typeof pingReplies)[number];

/** `unreachable`: ICMP port unreachable, as from IPVS. `reset`: a TCP RST to TCP clients, the same to the others. */
export const noServerReplies = ['unreachable', 'reset'] as const;

export type NoServerReply = (typeof noServerReplies)[number];

/** What every director takes, with a device or without. */
export interface EngineOptions {
  /**
   * Director addresses (DIP), the outer source of tunnel packets: at most one per address family. A range such as
   * '10.2.1.0/28' has each flow take the address that its hash picks, which spreads flows over paths and over the
   * real servers' queues; the range has to be routed to the director.
   */
  source: string | readonly string[];
  /** Path MTU to real servers, bytes, [576, 65535], where no smaller one was learned; default 1500. */
  pathMtu?: number;
  /**
   * ICMP errors make no path to a real server narrower than this, bytes, [68, `pathMtu`]; default 552 (Linux's
   * `net.ipv4.route.min_pmtu`), for IPv6 real servers at least 1280. With `pathMtu` here no ICMP error is believed.
   */
  pathMtuFloor?: number;
  /** Who answers an echo request to a virtual address; default 'always'. */
  pingReply?: PingReply;
  /** What a client gets when no real server may take its connection; default 'unreachable'. */
  noServerReply?: NoServerReply;
  /** Capacity of the connection table per address family, [1024, 2^28]; default 1,048,576. */
  maxConnections?: number;
}

export interface DirectorOpenOptions extends EngineOptions {
  device?: DeviceOptions;
  /**
   * More devices, one per firewall mark that is given outside of the director, as by nftables. A rule of `setMarks`
   * goes before the mark of a device.
   */
  markDevices?: readonly MarkDeviceOptions[];
  /** How packets leave; 'auto', the default, takes the first that works of 'packet', 'raw' and 'tun'. */
  egress?: 'auto' | Egress;
  /** Seed of the connection table's hash, [0, 2^64). Leave it out, and a secret one is drawn: it resists floods. */
  hashSeed?: bigint;
  /**
   * Whether to set up the host (device up, ip_forward, a route per virtual address, ...), and how. All of it is
   * undone by close(). Default: true, unless one of the devices existed before.
   */
  setUpHost?: boolean | HostOptions;
  /** How long a worker spins on an idle device before it sleeps, microseconds, [0, 1,000,000]; default 0. */
  busyPollUs?: number;
  /** Aborting it before the director is open undoes what was done and rejects with its reason. */
  signal?: AbortSignal;
}

export interface OfflineOptions extends EngineOptions {
  /** Seed of the connection table's hash, [0, 2^64). Default 0, so that runs can be repeated. */
  seed?: bigint | number;
  /** Addresses that the director's host has besides `source` and loopback: a real server there is local. Default none. */
  localAddresses?: readonly string[];
}

export interface CheckedOpenOptions {
  native: NativeEngineOptions;
  start: NativeStartOptions;
  /** When undefined, the host is set up unless the device existed. */
  setUpHost: boolean | undefined;
  host: HostOptions;
  signal: AbortSignal | undefined;
}

const DEFAULT_MAX_CONNECTIONS = 1 << 20;
const DEFAULT_MAX_PACKET_BYTES = 2048;
export const DEFAULT_PATH_MTU = 1500;
export const DEFAULT_MARK_DEVICE = 'tunvsm%d';
/** Each queue needs a worker thread, and the engine has at most 64. */
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
  const pathMtu = integerOption(`${call}: pathMtu`, options.pathMtu, 576, 65535, DEFAULT_PATH_MTU);
  const pathMtuFloor = integerOption(`${call}: pathMtuFloor`, options.pathMtuFloor, 68, 65535, 552);
  if (pathMtuFloor > pathMtu)
    refuse(`${call}: pathMtuFloor`, pathMtuFloor, `at most the path MTU, ${pathMtu}: lower it, or raise the path MTU`);
  return {
    sources: checkedSources(`${call}: source`, options.source),
    pathMtu,
    pathMtuFloor,
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
    const parsed = typeof source === 'string' ? parseSource(source) : { mistake: 'is not a string' };
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
    name: deviceNameOption(`${name}.name`, options.name ?? 'tunvs0'),
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
  if (queues > MAX_QUEUES) refuse(`${name}.queues`, queues, `at most ${MAX_QUEUES} of all devices together`);
  return devices;
}

function checkedMarkDevice(name: string, given: MarkDeviceOptions): Required<MarkDeviceOptions> {
  const options = checkedOptions(name, given, ['mark', 'name', 'queues']);
  return {
    mark: integerOption(`${name}.mark`, options.mark, 1, MAX_UINT32),
    name: deviceNameOption(`${name}.name`, options.name ?? DEFAULT_MARK_DEVICE),
    queues: integerOption(`${name}.queues`, options.queues, 1, MAX_QUEUES, 1),
  };
}

function queuesOf(devices: readonly { queues: number }[]): number {
  return devices.reduce((sum, { queues }) => sum + queues, 0);
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
