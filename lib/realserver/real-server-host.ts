/** Makes this host a real server: takes tunnel packets from the directors and hands what is inside to its own stack. */
import { EventEmitter } from 'node:events';
import { atExit } from '../host/at-exit.js';
import { TunvsError, wrapNative } from '../values/errors.js';
import { type RealServerMethod, realServerMethods, traitsOf } from '../values/forwarding-method.js';
import { familyOf } from '../host/family.js';
import { readDeviceCounters } from '../host/device-counters.js';
import { type Host, thisHost } from '../host/host.js';
import type { HostSetup } from '../host/host-setup.js';
import { HeldParts } from '../host/held-parts.js';
import type { HostEvent } from '../host/host-event.js';
import { hostKeeper, type HostKeeper, type Wanted } from '../host/host-keeper.js';
import {
  modulesFor,
  openKernelTunnels,
  planKernelTunnels,
  planMadeDevices,
  type TunnelDevice,
  type TunnelMethod,
} from '../host/kernel-tunnel.js';
import {
  openDoorWarnings,
  otherTunnelWarnings,
  planArpSuppression,
  planTunnelDevices,
  type RealServerPlan,
  realServerWarnings,
} from './real-server-host-plan.js';
import type { SnapshotHost } from '../host/snapshot.js';
import type { HostStep } from '../host/step.js';
import { whyNotRouted } from '../values/inet.js';
import { native } from '../native/addon.js';
import type { NativeDecapsulator } from '../native/decapsulator.js';
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

export const realServerModes = ['auto', 'kernel', 'userspace'] as const;
export const arpSuppressions = ['auto', 'on', 'off'] as const;

/** IANA's number for GUE. */
export const DEFAULT_GUE_PORT = 6080;

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

export interface RealServerHostStats {
  /**
   * In userspace mode by what became of each packet; in kernel mode what the tunnel devices counted since opening,
   * summed up. Packets of direct routing are counted nowhere.
   */
  counters: Record<string, bigint>;
}

interface Checked extends Omit<RealServerPlan, 'tunnels'> {
  /** Those of `forwarding` that have an outer header. */
  methods: TunnelMethod[];
  guePorts: number[];
  greChecksum: boolean;
  device: string;
  mode: (typeof realServerModes)[number];
  signal: AbortSignal | undefined;
}

export interface RealServerHostEvents {
  /** News of the host: what was put back, and what could not be; see docs/host.md. */
  event: [event: HostEvent];
  /**
   * Tunnel packets are taken apart no more (ERR_TUNVS_NO_DEVICE): a socket or the device failed. As everywhere in Node,
   * thrown when nobody listens. Or, where it was closed by its signal, what could not be undone (ERR_TUNVS_HOST); told
   * only to those who listen.
   */
  error: [error: TunvsError];
  /** It is closed. */
  close: [];
}

/** Between two looks at whether tunnel packets are taken apart still. */
const LOOK_INTERVAL_MS = 500;

export class RealServerHost extends EventEmitter<RealServerHostEvents> implements AsyncDisposable {
  /** Where tunnel packets are taken apart; direct routing alone is the kernel's business. */
  readonly mode: 'kernel' | 'userspace';
  /** What was found on the host that keeps it from working well, one sentence each. */
  readonly warnings: readonly string[];
  readonly #parts: HeldParts;
  readonly #keeper: HostKeeper;
  #devices: string[];
  readonly #decapsulator: NativeDecapsulator | undefined;
  readonly #countersAtStart: Record<string, bigint>;
  readonly #signal: AbortSignal | undefined;
  /** Nobody waits for this closing: what could not be undone is told as an event, where somebody listens. */
  readonly #onAbort = () =>
    void this.close().catch((error) => this.listenerCount('error') > 0 && this.emit('error', error));
  readonly #cancelAtExit: () => void;
  #look: NodeJS.Timeout | undefined;
  #isClosed = false;
  #hasFailed = false;

  /** @throws {@link TunvsError}; the host is then as it was. */
  static async open(options: RealServerHostOptions): Promise<RealServerHost> {
    const checked = check(options);
    checked.signal?.throwIfAborted();
    return new RealServerHost(checked, thisHost);
  }

  /** The steps that `open` would take now, without trying to load modules; changes nothing. */
  static plan(options: RealServerHostOptions): HostStep[] {
    const checked = check(options);
    const kernel = checked.mode === 'userspace' ? undefined : planKernelTunnels(thisHost, checked, checked.device);
    if (kernel === undefined && checked.mode === 'kernel') refuseKernelMode(checked, thisHost);
    const tunnels = kernel?.devices ?? [userspaceTunnel(checked, checked.device)];
    const plan = { ...checked, tunnels: checked.methods.length === 0 ? [] : tunnels };
    return [...planArpSuppression(plan, thisHost), ...(kernel?.steps ?? []), ...planTunnelDevices(plan, thisHost)];
  }

  private constructor(checked: Checked, host: Host) {
    super();
    this.#parts = new HeldParts(host);
    const { setup } = this.#parts;
    let decapsulator: NativeDecapsulator | undefined;
    try {
      setup.prepare();
      // Before the host has the addresses: from then on it would answer ARP for them.
      this.#parts.add((now) => planArpSuppression({ ...checked, tunnels: [] }, now));
      const made: HostStep[] = [];
      let tunnels =
        checked.mode === 'userspace'
          ? undefined
          : openKernelTunnels(host, noting(setup, made), checked, checked.device);
      if (tunnels === undefined && checked.mode === 'kernel') refuseKernelMode(checked, host);
      if (checked.methods.length === 0) tunnels = [];
      if (tunnels === undefined) {
        decapsulator = openDecapsulator(checked);
        tunnels = [userspaceTunnel(checked, decapsulator.device)];
      }
      this.mode = decapsulator === undefined ? 'kernel' : 'userspace';
      this.#devices = tunnels.map(({ name }) => name);
      const plan = { ...checked, tunnels };
      const planned = tunnels;
      // Under the names that they have now.
      const now = () => ({
        ...checked,
        tunnels: planned.map((tunnel, index) => ({ ...tunnel, name: this.#devices[index] as string })),
      });
      const ofKernel = this.#parts.addDone((found) => planMadeDevices(ofKernel.owned, found), made);
      this.#parts.add((found) => planTunnelDevices(now(), found));
      this.warnings = [
        ...setup.warnings,
        ...realServerWarnings(plan, host),
        ...(decapsulator === undefined ? openDoorWarnings(plan, host) : otherTunnelWarnings(plan, host)),
      ];
    } catch (error) {
      this.#parts.clear();
      decapsulator?.close();
      throw error;
    }
    this.#decapsulator = decapsulator;
    this.#countersAtStart = decapsulator === undefined ? this.#deviceCounters() : {};
    this.#cancelAtExit = atExit(() => this.#parts.clear());
    this.#keeper = hostKeeper(this.#watch(), (event) => this.#report(event));
    this.#signal = checked.signal;
    this.#signal?.addEventListener('abort', this.#onAbort, { once: true });
    if (decapsulator) this.#look = setInterval(() => this.#lookAt(decapsulator), LOOK_INTERVAL_MS).unref();
  }

  /** Devices that inner packets come out of; none with direct routing alone. */
  get devices(): readonly string[] {
    return this.#devices;
  }

  /**
   * Looks at the host now and puts back whatever is missing of what was set up; resolves with how many things it were.
   * Nobody has to call this: the host is watched.
   *
   * @throws {@link TunvsError} ERR_TUNVS_HOST when the host cannot be read.
   */
  async mendHost(): Promise<number> {
    if (this.#isClosed) throw new TunvsError('ERR_TUNVS_CLOSED', 'this RealServerHost is closed: open another');
    return this.#keeper.mend();
  }

  stats(): RealServerHostStats {
    if (this.#isClosed) throw new TunvsError('ERR_TUNVS_CLOSED', 'this RealServerHost is closed: open another');
    const decapsulator = this.#decapsulator;
    if (decapsulator === undefined) {
      const now = Object.entries(this.#deviceCounters());
      return {
        counters: Object.fromEntries(now.map(([name, value]) => [name, value - (this.#countersAtStart[name] ?? 0n)])),
      };
    }
    const values = new BigUint64Array(native.decapCounters.length);
    wrapNative(() => decapsulator.readCounters(values));
    return { counters: Object.fromEntries(native.decapCounters.map((name, index) => [name, values[index] ?? 0n])) };
  }

  /** Makes the host what it was before. Twice is fine. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#look);
    this.#cancelAtExit();
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#keeper.close();
    const failures = this.#parts.clear();
    this.#decapsulator?.close();
    this.emit('close');
    if (failures.length > 0) {
      const said = failures.map((failure) => failure.message).join('; ');
      throw new TunvsError('ERR_TUNVS_HOST', `the host could not be made what it was: ${said}`, { cause: failures[0] });
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #lookAt({ failure }: NativeDecapsulator): void {
    if (failure !== '') this.#fail(failure);
  }

  /** Once: what follows from a lost device is no news. */
  #fail(reason: string): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    clearInterval(this.#look);
    const message = `${reason}; no tunnel packet reaches this host's services any more: open it again`;
    this.emit('error', new TunvsError('ERR_TUNVS_NO_DEVICE', message));
  }

  #watch(): Wanted {
    const parts = this.#parts;
    const devices = () => this.#devices;
    const see = (snapshot: SnapshotHost) => this.#see(snapshot);
    return {
      get generation() {
        return parts.generation;
      },
      get devices() {
        return devices();
      },
      see,
      prepare: (snapshot) => parts.prepare(snapshot),
      missing: (snapshot) => parts.missing(snapshot),
      putBack: (missing) => parts.putBack(missing),
      takeBackStale: (snapshot) => parts.takeBackStale(snapshot),
    };
  }

  #see(snapshot: SnapshotHost): void {
    for (const [before, now] of this.#parts.follow(snapshot)) {
      if (!this.#devices.includes(before)) continue;
      this.#devices = this.#devices.map((name) => (name === before ? now : name));
      const message = `device ${before} is called ${now} now; the real server goes on with it under that name`;
      this.#report({ type: 'deviceRenamed', value: 1, message, things: [before, now] });
    }
    // Of the kernel's devices, those of our own are made anew.
    if (this.#decapsulator === undefined) return;
    const gone = this.#devices.find((name) => snapshot.link(name) === undefined);
    if (gone !== undefined)
      this.#fail(`the device ${gone} is gone: it was deleted, or moved to another network namespace`);
  }

  #report(event: HostEvent): void {
    this.emit('event', event);
  }

  #deviceCounters(): Record<string, bigint> {
    const sums: Record<string, bigint> = {};
    for (const device of this.devices) {
      for (const [name, value] of Object.entries(readDeviceCounters(device) ?? {}))
        sums[name] = (sums[name] ?? 0n) + value;
    }
    return sums;
  }
}

/** Notes what is applied, as `made`. */
function noting(setup: HostSetup, made: HostStep[]): Pick<HostSetup, 'apply' | 'undo'> {
  return {
    apply: (steps) => {
      setup.apply(steps);
      made.push(...steps);
    },
    undo: (steps) => {
      if (steps !== undefined) made.splice(0, made.length, ...made.filter((step) => !steps.includes(step)));
      return setup.undo(steps);
    },
  };
}

function userspaceTunnel({ virtualAddresses }: Checked, name: string): TunnelDevice {
  const families = ([4, 6] as const).filter((family) => virtualAddresses.some((vip) => familyOf(vip) === family));
  return { name, isShared: false, families };
}

function openDecapsulator({ device, directors, virtualAddresses, methods, guePorts }: Checked): NativeDecapsulator {
  const options = {
    device,
    directors: [...directors],
    virtualAddresses: [...virtualAddresses],
    encapsulations: [...methods],
    guePorts: [...guePorts],
  };
  return wrapNative(() => new native.Decapsulator(options));
}

function refuseKernelMode(checked: Checked, host: Host): never {
  const modules = modulesFor(checked, host).join(' ');
  throw new TunvsError(
    'ERR_TUNVS_UNSUPPORTED',
    `this kernel lacks tunnel modules: load them with "modprobe -a ${modules}", or choose mode "userspace"`,
  );
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
    const director = typeof entry === 'string' ? parseSource(entry) : { mistake: 'is no text' };
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

function check(options: RealServerHostOptions): Checked {
  return readArguments('RealServerHost.open', () => checked(options));
}

function checked(options: RealServerHostOptions): Checked {
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
  const device = given.device ?? 'tunvs-rs0';
  if (typeof device !== 'string' || !/^[^\s/]{1,15}$/.test(device))
    refuse('device', device, 'an interface name of 1 to 15 characters');
  const forwarding = forwardingOption('forwarding', given.forwarding);
  return {
    device,
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
