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
import { realServerModes } from '../values/real-server-mode.js';
import { parseSource } from '../values/source.js';
import type { RealServerPlan } from './real-server-host-plan.js';

const offloadChoices = ['auto', 'off'] as const;
const arpSuppressions = ['auto', 'on', 'off'] as const;

/** The port that IANA assigned to GUE. */
const DEFAULT_GUE_PORT = 6080;

/**
 * The options of {@link RealServerHost.open}.
 *
 * @example
 * ```ts
 * import { RealServerHost, type RealServerHostOptions } from 'tunvs';
 *
 * const options: RealServerHostOptions = {
 *   virtualAddresses: ['192.0.2.1', '192.0.2.2'],
 *   directors: '10.2.1.0/28',
 *   forwarding: ['ipip', 'gue'],
 *   guePorts: 6080,
 *   mode: 'userspace',
 *   signal: AbortSignal.timeout(600_000),
 * };
 * const host = await RealServerHost.open(options);
 * console.log(host.mode); // userspace
 * await host.close();
 * ```
 */
export interface RealServerHostOptions {
  /** Lists the virtual addresses (VIP) that this host answers for. */
  virtualAddresses: string | readonly string[];
  /**
   * Lists the directors' addresses (DIP) whose tunnel packets are taken, and ranges of them such as '10.2.1.0/28'. In
   * kernel mode a range, unlike single addresses, makes the kernel take packets of others as well, and
   * {@link RealServerHost.warnings} says so.
   */
  directors: string | readonly string[];
  /**
   * Says how packets get here from the directors, in one way or in several. `dr` puts the virtual addresses on the
   * loopback device. The default is 'ipip'.
   */
  forwarding?: RealServerMethod | readonly RealServerMethod[];
  /** Lists the UDP ports that GUE comes to, each [1, 65535]. Only 'gue' takes them. The default is 6080. */
  guePorts?: number | readonly number[];
  /** Says whether GRE packets carry a checksum. Only kernel mode has to know. The default is false. */
  greChecksum?: boolean;
  /**
   * Names the TUN device, or the first tunnel device, in at most 15 bytes. Where `tunl0` and its like exist, they
   * are used instead. The default is 'tunvs-rs0'.
   */
  device?: string;
  /**
   * Says where tunnel packets are taken apart: by the kernel's tunnel modules ('kernel'), by sockets and a TUN device
   * ('userspace'), or by the same and a program in the kernel, which takes most packets before they reach a socket
   * ('bpf', docs/fast-path.md). The default, 'auto', takes the first of 'kernel' and 'userspace' that the host has.
   */
  mode?: (typeof realServerModes)[number];
  /**
   * Says whether TCP segments that follow one another go to the host's stack as one packet, and datagrams of GUE are
   * received several at a time. Only the modes 'userspace' and 'bpf' ask: in kernel mode the kernel decides. The default, 'auto', does
   * so where the kernel can; 'off' takes each packet by itself.
   */
  offloads?: (typeof offloadChoices)[number];
  /**
   * Keeps the host from answering ARP for virtual addresses, which is necessary when it shares a LAN with the director.
   * The default, 'auto', does so on interfaces in whose subnets a director or a virtual address lies.
   */
  arpSuppression?: (typeof arpSuppressions)[number];
  /** When it is aborted, the host closes. */
  signal?: AbortSignal;
}

export interface CheckedRealServer extends Omit<RealServerPlan, 'tunnels'> {
  /** The methods of `forwarding` that have an outer header. */
  methods: TunnelMethod[];
  guePorts: number[];
  greChecksum: boolean;
  device: string;
  mode: (typeof realServerModes)[number];
  offloads: (typeof offloadChoices)[number];
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
      "an address or a range of them, as '10.2.0.2' or '10.2.1.0/28'",
      `it ${director.mistake}`,
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
    'offloads',
    'arpSuppression',
    'signal',
  ]);
  const forwarding = forwardingOption('forwarding', given.forwarding);
  if (given.mode === 'bpf' && !forwarding.some(isTunnelMethod))
    refuse('mode', 'bpf', "'auto'", 'direct routing brings no tunnel packets that a program could take apart');
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
    offloads: choiceOption('offloads', given.offloads, offloadChoices, 'auto'),
    signal: signalOption('signal', given.signal),
  };
}

function isTunnelMethod(method: RealServerMethod): method is TunnelMethod {
  return traitsOf(method).isTunnel;
}
