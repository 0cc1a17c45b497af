/** Makes this host a real server: takes tunnel packets from the directors and hands what is inside to its own stack. */
import { atExit } from './at-exit.js';
import { TunvsError, wrapNative } from './errors.js';
import { readDeviceCounters } from './host/device-counters.js';
import { type Host, thisHost } from './host/host.js';
import { HostSetup } from './host/host-setup.js';
import { createDevice, hasFallbackDevice, openKernelTunnel } from './host/kernel-tunnel.js';
import {
  planArpSuppression,
  planTunnelDevice,
  type RealServerPlan,
  realServerWarnings,
} from './host/real-server-host-plan.js';
import type { HostStep } from './host/step.js';
import { native, type NativeDecapsulator } from './native.js';
import { addressOption, checkedOptions, choiceOption, refuse, signalOption } from './options.js';

export const realServerModes = ['auto', 'kernel', 'userspace'] as const;
export const arpSuppressions = ['auto', 'on', 'off'] as const;

export interface RealServerHostOptions {
  /** Virtual addresses (VIP) that this host answers for. */
  virtualAddresses: string | readonly string[];
  /** Director addresses (DIP) whose packets are taken; in kernel mode the kernel takes those of others as well. */
  directors: string | readonly string[];
  /** Name of the TUN or IPIP device, at most 15 characters; `tunl0` is used where it exists. Default 'tunvs-rs0'. */
  device?: string;
  /** `kernel`: the kernel's ipip module. `userspace`: a raw socket and a TUN device. `auto`: the first that is there. */
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
  /** In userspace mode by what became of each packet; in kernel mode what the device counted since opening. */
  counters: Record<string, bigint>;
}

interface Checked extends RealServerPlan {
  mode: (typeof realServerModes)[number];
  signal: AbortSignal | undefined;
}

export class RealServerHost {
  readonly mode: 'kernel' | 'userspace';
  readonly device: string;
  /** What was found on the host that keeps it from working well, one sentence each. */
  readonly warnings: readonly string[];
  readonly #setup: HostSetup;
  readonly #decapsulator: NativeDecapsulator | undefined;
  readonly #countersAtStart: Record<string, bigint>;
  readonly #signal: AbortSignal | undefined;
  /** Whoever aborts does not learn what could not be undone. */
  readonly #onAbort = () => void this.close().catch(() => {});
  readonly #cancelAtExit: () => void;
  #isClosed = false;

  /** @throws {@link TunvsError}; the host is then as it was. */
  static async open(options: RealServerHostOptions): Promise<RealServerHost> {
    const checked = check(options);
    checked.signal?.throwIfAborted();
    return new RealServerHost(checked, thisHost);
  }

  /** The steps that `open` would take now; changes nothing. */
  static plan(options: RealServerHostOptions): HostStep[] {
    const checked = check(options);
    const isKernel = checked.mode === 'kernel' || (checked.mode === 'auto' && hasFallbackDevice(thisHost));
    const tunnel =
      isKernel && hasFallbackDevice(thisHost)
        ? { device: 'tunl0', isShared: true }
        : { device: checked.device, isShared: false };
    const plan = { ...checked, ...tunnel };
    return [
      ...planArpSuppression(plan, thisHost),
      ...(isKernel && !tunnel.isShared ? [createDevice(checked.device)] : []),
      ...planTunnelDevice(plan, thisHost),
    ];
  }

  private constructor(checked: Checked, host: Host) {
    this.#setup = new HostSetup(host);
    let decapsulator: NativeDecapsulator | undefined;
    try {
      // Before the host has the addresses: from then on it would answer ARP for them.
      this.#setup.apply(planArpSuppression(checked, host));
      const kernel = checked.mode === 'userspace' ? undefined : openKernelTunnel(host, this.#setup, checked.device);
      if (kernel === undefined) {
        if (checked.mode === 'kernel') refuseKernelMode();
        decapsulator = wrapNative(
          () =>
            new native.Decapsulator({
              device: checked.device,
              directors: [...checked.directors],
              virtualAddresses: [...checked.virtualAddresses],
            }),
        );
      }
      this.mode = kernel === undefined ? 'userspace' : 'kernel';
      this.device = kernel?.device ?? decapsulator?.device ?? checked.device;
      const plan = { ...checked, device: this.device, isShared: kernel?.isShared ?? false };
      this.#setup.apply(planTunnelDevice(plan, host));
      this.warnings = realServerWarnings(plan, host);
    } catch (error) {
      this.#setup.undo();
      decapsulator?.close();
      throw error;
    }
    this.#decapsulator = decapsulator;
    this.#countersAtStart = decapsulator === undefined ? this.#deviceCounters() : {};
    this.#cancelAtExit = atExit(() => this.#setup.undo());
    this.#signal = checked.signal;
    this.#signal?.addEventListener('abort', this.#onAbort, { once: true });
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
    this.#cancelAtExit();
    this.#signal?.removeEventListener('abort', this.#onAbort);
    const failures = this.#setup.undo();
    this.#decapsulator?.close();
    if (failures.length > 0) {
      const said = failures.map((failure) => failure.message).join('; ');
      throw new TunvsError('ERR_TUNVS_HOST', `the host could not be made what it was: ${said}`, { cause: failures[0] });
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #deviceCounters(): Record<string, bigint> {
    return { ...readDeviceCounters(this.device) };
  }
}

function refuseKernelMode(): never {
  throw new TunvsError(
    'ERR_TUNVS_UNSUPPORTED',
    'this kernel has no ipip module: load it with "modprobe ipip", or choose mode "userspace"',
  );
}

function addressesOption(name: string, value: string | readonly string[] | undefined): string[] {
  const list = (Array.isArray(value) ? value : [value]) as unknown[];
  if (list.length === 0) refuse(name, value, 'at least one address');
  const addresses = list.map((entry) => addressOption(name, entry));
  if (addresses.some((address) => address.includes(':'))) {
    throw new TunvsError(
      'ERR_TUNVS_UNSUPPORTED',
      `${name}: a real server's host is set up for IPv4 only; set it up yourself with ip(8) for IPv6`,
    );
  }
  return [...new Set(addresses)];
}

function check(options: RealServerHostOptions): Checked {
  const given = checkedOptions('RealServerHost.open', options, [
    'virtualAddresses',
    'directors',
    'device',
    'mode',
    'arpSuppression',
    'signal',
  ]);
  const device = given.device ?? 'tunvs-rs0';
  if (typeof device !== 'string' || !/^[^\s/]{1,15}$/.test(device))
    refuse('device', device, 'an interface name of 1 to 15 characters');
  return {
    device,
    isShared: false,
    virtualAddresses: addressesOption('virtualAddresses', given.virtualAddresses),
    directors: addressesOption('directors', given.directors),
    arpSuppression: choiceOption('arpSuppression', given.arpSuppression, arpSuppressions, 'auto'),
    mode: choiceOption('mode', given.mode, realServerModes, 'auto'),
    signal: signalOption('signal', given.signal),
  };
}
