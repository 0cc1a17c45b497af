/** What `Director.open` and `Director.offline` take, and how it is checked. */
import { availableParallelism } from 'node:os';
import { type Egress, egresses } from './egress.js';
import { addressFamily } from './inet.js';
import type { NativeDirectorOptions, NativeStartOptions } from './native.js';
import {
  addressOption,
  booleanOption,
  checkedOptions,
  choiceOption,
  integerOption,
  MAX_INT32,
  refuse,
  signalOption,
  uint64Option,
} from './options.js';

export interface DeviceOptions {
  /** Name of the TUN interface, at most 15 bytes; `%d` stands for a free number. Default 'tunvs0'. */
  name?: string;
  /** Queues, each with a worker thread, [1, 64]; default: one per CPU, at most 4. */
  queues?: number;
  /** Longest packet that is read, [576, 65535]; longer ones are dropped and counted. Default 2048. */
  maxPacketBytes?: number;
}

export interface HostOptions {
  /**
   * MTU that the device gets, [576, maxPacketBytes]: the path MTU to the real servers less the outer header. For
   * longer packets the host answers the client "fragmentation needed". Default 1480.
   */
  mtuBytes?: number;
  /** Packets per queue that may wait for a worker, [1, 2^31 - 1]; default 4096. */
  txQueueLength?: number;
  /** Whether the host answers ARP for virtual addresses that lie in one of its subnets; default true. */
  answersArp?: boolean;
}

export interface DirectorOpenOptions {
  device?: DeviceOptions;
  /** Director addresses (DIP): the outer source of tunnel packets. At most one per address family. */
  source: string | readonly string[];
  /** How packets leave; 'auto', the default, takes the first that works of 'packet', 'raw' and 'tun'. */
  egress?: 'auto' | Egress;
  /** Capacity of the connection table per address family, [1024, 2^28]; default 1,048,576. */
  maxConnections?: number;
  /** Seed of the connection table's hash, [0, 2^64). Leave it out, and a secret one is drawn: it resists floods. */
  hashSeed?: bigint;
  /**
   * Whether to set up the host (device up, ip_forward, a route per virtual address, ...), and how. All of it is
   * undone by close(). Default: true, unless the device existed before.
   */
  setUpHost?: boolean | HostOptions;
  /** How long a worker spins on an idle device before it sleeps, microseconds, [0, 1,000,000]; default 0. */
  busyPollUs?: number;
  /** Aborting it before the director is open undoes what was done and rejects with its reason. */
  signal?: AbortSignal;
}

export interface OfflineOptions {
  /** Director addresses (DIP), at most one per address family. */
  source: string | readonly string[];
  /** Seed of the connection table's hash, [0, 2^64). Default 0, so that runs can be repeated. */
  seed?: bigint | number;
  /** Capacity of the connection table per address family, [1024, 2^28]; default 1,048,576. */
  maxConnections?: number;
}

export interface CheckedOpenOptions {
  native: NativeDirectorOptions;
  start: NativeStartOptions;
  /** Undefined: decided by whether the device existed. */
  setUpHost: boolean | undefined;
  host: HostOptions;
  signal: AbortSignal | undefined;
}

const DEFAULT_MAX_CONNECTIONS = 1 << 20;
const DEFAULT_MAX_PACKET_BYTES = 2048;

export function checkedOpenOptions(options: DirectorOpenOptions): CheckedOpenOptions {
  const call = 'Director.open';
  checkedOptions(call, options, [
    'device',
    'source',
    'egress',
    'maxConnections',
    'hashSeed',
    'setUpHost',
    'busyPollUs',
    'signal',
  ]);
  const device = checkedDevice(`${call}: device`, options.device ?? {});
  const host = typeof options.setUpHost === 'object' && options.setUpHost !== null ? options.setUpHost : undefined;
  return {
    native: {
      sources: checkedSources(`${call}: source`, options.source),
      maxConnections: checkedMaxConnections(`${call}: maxConnections`, options.maxConnections),
      workers: device.queues,
      ...(options.hashSeed === undefined ? {} : { seed: uint64Option(`${call}: hashSeed`, options.hashSeed) }),
      offline: false,
    },
    start: {
      device,
      egress: choiceOption(`${call}: egress`, options.egress, ['auto', ...egresses], 'auto'),
      busyPollUs: integerOption(`${call}: busyPollUs`, options.busyPollUs, 0, 1_000_000, 0),
    },
    setUpHost:
      host || options.setUpHost === undefined
        ? host && true
        : booleanOption(`${call}: setUpHost`, options.setUpHost, true),
    host: checkedHost(`${call}: setUpHost`, host ?? {}, device.maxPacketBytes),
    signal: signalOption(`${call}: signal`, options.signal),
  };
}

export function checkedOfflineOptions(options: OfflineOptions): NativeDirectorOptions {
  const call = 'Director.offline';
  checkedOptions(call, options, ['source', 'seed', 'maxConnections']);
  return {
    sources: checkedSources(`${call}: source`, options.source),
    maxConnections: checkedMaxConnections(`${call}: maxConnections`, options.maxConnections),
    seed: uint64Option(`${call}: seed`, options.seed ?? 0n),
    workers: 1,
    offline: true,
  };
}

function checkedMaxConnections(name: string, value: unknown): number {
  return integerOption(name, value, 1024, 2 ** 28, DEFAULT_MAX_CONNECTIONS);
}

function checkedSources(name: string, value: unknown): string[] {
  const given: unknown[] = Array.isArray(value) ? value : [value];
  if (given.length === 0)
    refuse(name, value, 'the address that tunnel packets come from, such as an address of this host');
  const sources = given.map((source) => addressOption(name, source));
  if (new Set(sources.map(addressFamily)).size < sources.length) refuse(name, value, 'at most one address per family');
  return sources;
}

function checkedDevice(name: string, options: DeviceOptions): Required<DeviceOptions> {
  checkedOptions(name, options, ['name', 'queues', 'maxPacketBytes']);
  return {
    name: checkedDeviceName(`${name}.name`, options.name ?? 'tunvs0'),
    queues: integerOption(`${name}.queues`, options.queues, 1, 64, Math.min(4, availableParallelism())),
    maxPacketBytes: integerOption(
      `${name}.maxPacketBytes`,
      options.maxPacketBytes,
      576,
      65535,
      DEFAULT_MAX_PACKET_BYTES,
    ),
  };
}

/** The kernel's own rules (dev_valid_name). */
function checkedDeviceName(name: string, value: unknown): string {
  const isValid =
    typeof value === 'string' && /^[^\s/:]+$/.test(value) && Buffer.byteLength(value) <= 15 && !/^\.\.?$/.test(value);
  return isValid ? value : refuse(name, value, 'an interface name of 1 to 15 bytes without spaces, "/" and ":"');
}

function checkedHost(name: string, options: HostOptions, maxPacketBytes: number): HostOptions {
  checkedOptions(name, options, ['mtuBytes', 'txQueueLength', 'answersArp']);
  return {
    mtuBytes: integerOption(`${name}.mtuBytes`, options.mtuBytes, 576, maxPacketBytes, Math.min(1480, maxPacketBytes)),
    ...(options.txQueueLength === undefined
      ? {}
      : { txQueueLength: integerOption(`${name}.txQueueLength`, options.txQueueLength, 1, MAX_INT32) }),
    answersArp: booleanOption(`${name}.answersArp`, options.answersArp, true),
  };
}
