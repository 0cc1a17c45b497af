/** The options of `RealServerHost.open`, and their checks. */
import type { TunnelMethod } from '../host/kernel-tunnel.js';
import { type RealServerMethod, realServerMethods, traitsOf } from '../values/forwarding-method.js';
import { deviceNameOption } from '../values/device-name.js';
import { whyNotRouted } from '../values/inet.js';
import {
  addressOption,
  booleanOption,
  checkedOptions,
  choiceOption,
  integerOption,
  readArguments,
  refuse,
  signalOption,
} from '../values/options.js';
import { parseSource } from '../values/source.js';
import type { RealServerPlan } from './real-server-host-plan.js';

const realServerModes = ['auto', 'kernel', 'userspace'] as const;
const arpSuppressions = ['auto', 'on', 'off'] as const;

/** The port that IANA assigned to GUE. */
const DEFAULT_GUE_PORT = 6080;

export interface RealServerHostOptions {
  /** Virtual addresses (VIP) that this host answers for. */
  virtualAddresses: string | readonly string[];
  /**
   * Director addresses (DIP) whose tunnel packets are taken, ranges such as '10.2.1.0/28' included. In kernel mode a
   * range, other than single addresses, has the kernel take those of others as well: `warnings` say so.
   */
  directors: string | readonly string[];
  /**
   * How packets get here from the directors; one or several, as the pools want it. `dr` puts the virtual addresses on
   * the loopback device. Default 'ipip'.
   */
  forwarding?: RealServerMethod | readonly RealServerMethod[];
  /** UDP ports that GUE comes to, each [1, 65535]; with 'gue' alone. Default 6080. */
  guePorts?: number | readonly number[];
  /** Whether GRE packets carry a checksum, which only kernel mode has to know. Default false. */
  greChecksum?: boolean;
  /**
   * Name of the TUN or of the first tunnel device, at most 15 characters; `tunl0` and its like are used where they
   * exist. Default 'tunvs-rs0'.
   */
  device?: string;
  /** `kernel`: the kernel's tunnel modules. `userspace`: sockets and a TUN device. `auto`: the first that is there. */
  mode?: (typeof realServerModes)[number];
  /**
   * Keeps the host from answering ARP for virtual addresses, needed where it shares a LAN with the director.
   * `auto`: on the interfaces in whose subnets a director or virtual address lies.
   */
  arpSuppression?: (typeof arpSuppressions)[number];
  /** Closes when aborted. */
  signal?: AbortSignal;
}

export interface CheckedRealServer extends Omit<RealServerPlan, 'tunnels'> {
  /** The methods of `forwarding` that have an outer header. */
  methods: TunnelMethod[];
  guePorts: number[];
  greChecksum: boolean;
  device: string;
  mode: (typeof realServerModes)[number];
  signal: AbortSignal | undefined;
}

export function checkedRealServer(options: RealServerHostOptions): CheckedRealServer {
  return readArguments('RealServerHost.open', () => checked(options));
}

function listOf<T>(value: T | readonly T[] | undefined): readonly T[] {
  return Array.isArray(value) ? Array.from<T>(value) : [value as T];
}

function addressesOption(name: string, value: unknown): string[] {
  const list = listOf(value);
  if (list.length === 0) refuse(name, value, 'at least one address');
  return [...new Set(list.map((entry) => addressOption(name, entry)))];
}

function virtualAddressesOption(name: string, value: unknown): string[] {
  return addressesOption(name, value).map((address) => {
    const mistake = whyNotRouted(address);
    return mistake === undefined ? address : refuse(name, address, `another address, because ${address} ${mistake}`);
  });
}

function directorsOption(name: string, value: unknown): string[] {
  const list = listOf(value);
  if (list.length === 0) refuse(name, value, 'at least one address');
  const directors = list.map((entry) => {
    const director = typeof entry === 'string' ? parseSource(entry) : { mistake: 'is not a string' };
    if (typeof director === 'string') return director;
    return refuse(
      name,
      entry,
      `an address or a range of them, as '10.2.0.2' or '10.2.1.0/28' (it ${director.mistake})`,
    );
  });
  return [...new Set(directors)];
}

function forwardingOption(name: string, value: RealServerHostOptions['forwarding']): RealServerMethod[] {
  const list = listOf(value ?? 'ipip');
  if (list.length === 0) refuse(name, value, `at least one of ${realServerMethods.join(', ')}`);
  return [...new Set(list.map((entry) => choiceOption(name, entry, realServerMethods)))];
}

function guePortsOption(name: string, value: RealServerHostOptions['guePorts'], takesGue: boolean): number[] {
  if (!takesGue && value !== undefined) refuse(name, value, "none, since forwarding does not name 'gue'");
  if (!takesGue) return [];
  const list = listOf(value ?? DEFAULT_GUE_PORT);
  if (list.length === 0) refuse(name, value, 'at least one port');
  return [...new Set(list.map((entry) => integerOption(name, entry, 1, 65535)))];
}

function checked(options: RealServerHostOptions): CheckedRealServer {
  const given = checkedOptions('RealServerHost.open', options, [
    'virtualAddresses',
    'directors',
    'forwarding',
    'guePorts',
    'greChecksum',
    'device',
    'mode',
    'arpSuppression',
    'signal',
  ]);
  const forwarding = forwardingOption('forwarding', given.forwarding);
  return {
    device: deviceNameOption('device', given.device ?? 'tunvs-rs0'),
    methods: forwarding.filter(isTunnelMethod),
    isDirect: forwarding.includes('dr'),
    guePorts: guePortsOption('guePorts', given.guePorts, forwarding.includes('gue')),
    greChecksum: booleanOption('greChecksum', given.greChecksum, false),
    virtualAddresses: virtualAddressesOption('virtualAddresses', given.virtualAddresses),
    directors: directorsOption('directors', given.directors),
    arpSuppression: choiceOption('arpSuppression', given.arpSuppression, arpSuppressions, 'auto'),
    mode: choiceOption('mode', given.mode, realServerModes, 'auto'),
    signal: signalOption('signal', given.signal),
  };
}

function isTunnelMethod(method: RealServerMethod): method is TunnelMethod {
  return traitsOf(method).isTunnel;
}
