/** How the options of `Director.open` and `Director.offline` are checked. */
import { availableParallelism } from 'node:os';
import { egresses } from '../values/egress.js';
import { MAX_CPU } from '../values/cpu.js';
import { fastPathOption } from '../values/fast-path.js';
import { type OffloadChoice, offloads } from '../values/offload.js';
import type { NativeDirectorOptions } from '../native/director.js';
import type { NativeEngineOptions, NativeStartOptions } from '../native/engine.js';
import { deviceNameOption } from '../values/device-name.js';
import { checkedFullNat } from './full-nat-options.js';
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
import { type Role, roles } from '../values/role.js';
import { type NeighbourNewsTiming, USUAL_NEWS } from '../host/neighbour-news.js';
import { parseSource, sourceFamily } from '../values/source.js';
import {
  type DeviceOptions,
  type DirectorOpenOptions,
  type EngineOptions,
  type HostOptions,
  type MarkDeviceOptions,
  type NeighbourNewsOptions,
  noServerReplies,
  unmatchedReplies,
  type OfflineOptions,
  pingReplies,
} from './open-options.js';

export interface CheckedOpenOptions {
  native: NativeEngineOptions;
  start: NativeStartOptions;
  /** When undefined, the host is set up unless the device existed. */
  setUpHost: boolean | undefined;
  host: Omit<HostOptions, 'neighbourNews'> & { natMtuBytes?: number };
  /** Undefined: neighbours are not told. */
  neighbourNews: NeighbourNewsTiming | undefined;
  role: Role;
  /** The director takes the place of the one that runs with this state. */
  isTakeover: boolean;
  signal: AbortSignal | undefined;
}

const DEFAULT_MAX_CONNECTIONS = 1 << 20;
const DEFAULT_MAX_PACKET_BYTES = 2048;
const DEFAULT_PATH_MTU = 1500;
const DEFAULT_MARK_DEVICE = 'tunvsm%d';
/** Each queue needs a worker thread, and the engine has at most 64. */
const MAX_QUEUES = 64;

const ENGINE_OPTIONS = [
  'source',
  'pathMtu',
  'pathMtuFloor',
  'pingReply',
  'noServerReply',
  'unmatchedReplies',
  'fullNat',
  'maxConnections',
] as const;

const OWN_OPTIONS = [
  ...(['device', 'markDevices', 'egress', 'offloads', 'bypassesQdisc', 'fastPath', 'rings', 'state'] as const),
  ...(['takeover', 'role'] as const),
  ...(['hashSeed', 'setUpHost', 'busyPollUs', 'cpus', 'signal'] as const),
] as const;

export function checkedOpenOptions(given: DirectorOpenOptions): CheckedOpenOptions {
  const call = 'Director.open';
  return readArguments(call, () => openOptions(call, checkedOptions(call, given, [...ENGINE_OPTIONS, ...OWN_OPTIONS])));
}

function openOptions(call: string, options: DirectorOpenOptions): CheckedOpenOptions {
  const engine = checkedEngine(call, options);
  const { wish: fastPath, ingress: fastPathIngress } = fastPathOption(`${call}: fastPath`, options.fastPath ?? 'off');
  const { steering, ...device } = checkedDevice(`${call}: device`, options.device ?? {}, engine.pathMtu);
  const marked = checkedMarkDevices(`${call}: markDevices`, options.markDevices ?? [], device);
  const own = [device, ...marked].map(({ name }) => name).find((name) => fastPathIngress.includes(name));
  if (own !== undefined)
    refuse(
      `${call}: fastPath`,
      options.fastPath,
      `devices by which clients' packets come in, and not the director's own '${own}'`,
    );
  const rings = checkedRings(`${call}: rings`, options.rings ?? [], {
    own: [device, ...marked].map(({ name }) => name),
    fastPathIngress,
    queues: device.queues,
    hasMarks: marked.length > 0,
  });
  const host = typeof options.setUpHost === 'object' && options.setUpHost !== null ? options.setUpHost : undefined;
  return {
    native: {
      ...engine,
      workers: queuesOf([device, ...marked, ...rings]),
      fastPath,
      ...checkedState(`${call}: state`, options.state, fastPath),
      ...(options.hashSeed === undefined ? {} : { seed: uint64Option(`${call}: hashSeed`, options.hashSeed) }),
    },
    start: {
      device,
      markDevices: marked,
      rings,
      offloads: checkedOffloads(`${call}: offloads`, options.offloads ?? 'auto'),
      steersByProgram: steering === 'auto',
      cpus: checkedCpus(`${call}: cpus`, options.cpus),
      fastPathIngress,
      ...checkedEgress(call, options),
      busyPollUs: integerOption(`${call}: busyPollUs`, options.busyPollUs, 0, 1_000_000, -1),
    },
    setUpHost:
      host || options.setUpHost === undefined
        ? host && true
        : booleanOption(`${call}: setUpHost`, options.setUpHost, true),
    isTakeover: checkedTakeover(`${call}: takeover`, options, rings.length > 0),
    host: checkedHost(`${call}: setUpHost`, host ?? {}, device.maxPacketBytes, engine.pathMtu),
    neighbourNews: checkedNeighbourNews(`${call}: setUpHost.neighbourNews`, host?.neighbourNews ?? {}),
    role: choiceOption(`${call}: role`, options.role, roles, 'active'),
    signal: signalOption(`${call}: signal`, options.signal),
  };
}

function checkedState(name: string, given: string | undefined, fastPath: string): { state?: string } {
  if (given === undefined) return {};
  if (typeof given !== 'string' || given === '' || given.includes('\0'))
    refuse(name, given, "a folder of a tmpfs, such as '/run/tunvs/web'");
  if (fastPath !== 'off' && fastPath !== 'auto')
    refuse(
      name,
      given,
      "no state with a fast path, which needs the tables in the kernel's memory",
      'choose one of the two',
    );
  return { state: given };
}

function checkedTakeover(name: string, { takeover, state }: DirectorOpenOptions, hasRings: boolean): boolean {
  const isTakeover = booleanOption(name, takeover, false);
  if (isTakeover && state === undefined)
    refuse(
      name,
      takeover,
      'a director with a state, which is what is taken over',
      'give it one (--state), and start it anew once',
    );
  if (isTakeover && hasRings)
    refuse(name, takeover, 'no takeover with rings, in which packets cannot wait', 'restart the director instead');
  return isTakeover;
}

interface RingCircumstances {
  own: readonly string[];
  fastPathIngress: readonly string[];
  queues: number;
  hasMarks: boolean;
}

function checkedRings(
  name: string,
  given: readonly string[],
  { own, fastPathIngress, queues, hasMarks }: RingCircumstances,
): { device: string; queues: number }[] {
  if (!Array.isArray(given)) refuse(name, given, "a list of devices, such as ['eth0']");
  const devices = [...new Set(Array.from(given, (each) => deviceNameOption(name, each)))];
  for (const device of devices) {
    if (device.includes('%') || own.includes(device))
      refuse(name, given, `devices by which clients' packets come in, and not '${device}'`);
    if (fastPathIngress.includes(device))
      refuse(name, given, `devices that are not also in fastPath, as '${device}' is`, 'choose one of the two');
  }
  if (devices.length > 0 && hasMarks)
    refuse(name, given, 'no rings with markDevices', 'a ring takes packets before the host gives them marks');
  if (queues * (devices.length + 1) > MAX_QUEUES)
    refuse(name, given, `at most ${MAX_QUEUES} queues of all rings and the device together`, 'lower device.queues');
  return devices.map((device) => ({ device, queues }));
}

function checkedOffloads(name: string, given: OffloadChoice): string[] {
  if (given === 'auto' || given === 'off') return [given];
  const isList = Array.isArray(given) && given.length > 0 && given.every((each) => offloads.includes(each));
  if (!isList) refuse(name, given, `'auto', 'off' or a list of ${offloads.map((each) => `'${each}'`).join(', ')}`);
  return [...new Set(given)];
}

function checkedEgress(
  call: string,
  options: DirectorOpenOptions,
): Pick<NativeStartOptions, 'egress' | 'bypassesQdisc'> {
  const egress = choiceOption(`${call}: egress`, options.egress, ['auto', ...egresses], 'auto');
  const bypassesQdisc = booleanOption(`${call}: bypassesQdisc`, options.bypassesQdisc, false);
  if (bypassesQdisc && egress !== 'packet')
    refuse(`${call}: bypassesQdisc`, bypassesQdisc, "false, or true with egress 'packet'", 'name that egress');
  const fastPath = options.fastPath ?? 'off';
  if ((egress === 'raw' || egress === 'tun') && fastPath !== 'off' && fastPath !== 'auto')
    refuse(`${call}: fastPath`, fastPath, `'off' or 'auto' with egress '${egress}'`, "choose egress 'packet'");
  return { egress, bypassesQdisc };
}

function checkedCpus(name: string, given: readonly number[] | undefined): number[] {
  if (given === undefined) return [];
  if (!Array.isArray(given) || given.length === 0) refuse(name, given, 'a list of CPUs, such as [2, 3]');
  const cpus = Array.from(given, (cpu: number) => integerOption(name, cpu, 0, MAX_CPU));
  if (new Set(cpus).size < cpus.length) refuse(name, given, 'each CPU once');
  return cpus;
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
    refuse(
      `${call}: pathMtuFloor`,
      pathMtuFloor,
      `at most the path MTU, ${pathMtu}`,
      'lower it, or raise the path MTU',
    );
  const sources = checkedSources(`${call}: source`, options.source);
  return {
    sources,
    pathMtu,
    pathMtuFloor,
    pingReply: choiceOption(`${call}: pingReply`, options.pingReply, pingReplies, 'always'),
    noServerReply: choiceOption(`${call}: noServerReply`, options.noServerReply, noServerReplies, 'unreachable'),
    unmatchedReplies: choiceOption(`${call}: unmatchedReplies`, options.unmatchedReplies, unmatchedReplies, 'drop'),
    ...checkedFullNat(`${call}: fullNat`, options.fullNat, sources),
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
      "a unicast address or a range of them, as '10.2.0.2' or '10.2.1.0/28'",
      `it ${parsed.mistake}`,
    );
  });
  if (new Set(sources.map(sourceFamily)).size < sources.length) refuse(name, value, 'at most one address per family');
  return sources;
}

function checkedDevice(name: string, given: DeviceOptions, pathMtu: number): Required<DeviceOptions> {
  const options = checkedOptions(name, given, ['name', 'queues', 'maxPacketBytes', 'steering']);
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
    steering: choiceOption(`${name}.steering`, options.steering, ['auto', 'kernel'], 'auto'),
  };
}

function checkedMarkDevices(
  name: string,
  options: readonly MarkDeviceOptions[],
  main: NativeStartOptions['device'],
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
function defaultDeviceMtu(pathMtu: number): number {
  return pathMtu - 20;
}

function checkedHost(
  name: string,
  given: HostOptions,
  maxPacketBytes: number,
  pathMtu: number,
): CheckedOpenOptions['host'] {
  const options = checkedOptions(name, given, ['mtuBytes', 'txQueueLength', 'answersArp', 'neighbourNews']);
  const defaultMtu = Math.min(defaultDeviceMtu(pathMtu), maxPacketBytes);
  return {
    mtuBytes: integerOption(`${name}.mtuBytes`, options.mtuBytes, 576, maxPacketBytes, defaultMtu),
    ...(options.mtuBytes === undefined && { natMtuBytes: Math.min(pathMtu, maxPacketBytes) }),
    ...(options.txQueueLength === undefined
      ? {}
      : { txQueueLength: integerOption(`${name}.txQueueLength`, options.txQueueLength, 1, MAX_INT32) }),
    answersArp: booleanOption(`${name}.answersArp`, options.answersArp, true),
  };
}

function checkedNeighbourNews(name: string, given: NeighbourNewsOptions | false): NeighbourNewsTiming | undefined {
  if (given === false) return undefined;
  const { count, againMs, refreshMs } = checkedOptions(name, given, ['count', 'againMs', 'refreshMs']);
  return {
    count: integerOption(`${name}.count`, count, 1, 100, USUAL_NEWS.count),
    againMs: integerOption(`${name}.againMs`, againMs, 0, 3_600_000, USUAL_NEWS.againMs),
    refreshMs: integerOption(`${name}.refreshMs`, refreshMs, 0, 86_400_000, USUAL_NEWS.refreshMs),
  };
}
