/**
 * Makes this host a real server: receives tunnel packets from the directors and hands the inner packets to its own
 * stack.
 */
import { EventEmitter } from 'node:events';
import { inspect, type InspectOptions } from 'node:util';
import { atExit } from '../host/at-exit.js';
import type { HeldParts } from '../host/held-parts.js';
import { type Host, thisHost } from '../host/host.js';
import type { HostEvent } from '../host/host-event.js';
import { hostKeeper, type HostKeeper } from '../host/host-keeper.js';
import type { HostStep } from '../host/step.js';
import { unhindered } from '../host/unhindered.js';
import { TunvsError } from '../values/errors.js';
import { notByNew } from '../values/options.js';
import type { Decapsulator } from './decapsulator.js';
import { KernelCounters } from './kernel-counters.js';
import { openRealServer } from './open.js';
import { rehearse } from './rehearse.js';
import { type CheckedRealServer, checkedRealServer, type RealServerHostOptions } from './real-server-options.js';
import { type DeviceNames, RealServerWatch } from './real-server-watch.js';

/** What {@link RealServerHost.stats} returns. */
export interface RealServerHostStats {
  /**
   * The counters by name. In the modes 'userspace' and 'bpf' they say what became of each packet; {@link realServerCounterMeanings}
   * lists them. In kernel mode they are the sums of what the tunnel devices have counted since the host was opened.
   * Packets of direct routing are not counted.
   */
  counters: Record<string, bigint>;
}

/** The events of a {@link RealServerHost}. */
export interface RealServerHostEvents {
  /** Something was put back on the host, or could not be put back; docs/host.md says more. */
  event: [event: HostEvent];
  /**
   * A socket or the device failed, and tunnel packets are not taken apart any more (ERR_TUNVS_NO_DEVICE). Node throws
   * the error when nobody listens. When a signal closed the host, the event tells what could not be undone
   * (ERR_TUNVS_HOST), and nothing is thrown.
   */
  error: [error: TunvsError];
  /** The host is closed. */
  close: [];
}

/**
 * Makes this host a real server: it takes tunnel packets from the directors and hands what is inside to its own stack.
 * It is an `EventEmitter` of {@link RealServerHostEvents}, and it watches the host and puts back what somebody removes.
 *
 * @example
 * ```ts
 * import { RealServerHost } from 'tunvs';
 *
 * const host = await RealServerHost.open({ virtualAddresses: '192.0.2.1', directors: '10.2.0.2', mode: 'userspace' });
 * console.log(host.devices[0]); // tunvs-rs0
 * console.log(host.stats().counters.delivered); // 0n
 * await host.close();
 * ```
 */
export class RealServerHost extends EventEmitter<RealServerHostEvents> implements AsyncDisposable {
  /** Where tunnel packets are taken apart. With direct routing alone it is 'kernel'. */
  readonly mode: 'kernel' | 'userspace' | 'bpf';
  /** Each sentence says what keeps this host from working well, and how to mend it. */
  readonly warnings: readonly string[];
  readonly #parts: HeldParts;
  readonly #keeper: HostKeeper;
  readonly #devices: DeviceNames;
  readonly #decapsulator: Decapsulator | undefined;
  readonly #counted: { counters(): Record<string, bigint> };
  readonly #signal: AbortSignal | undefined;
  /** Nobody waits for this closing, so an event tells what could not be undone, to those who listen. */
  readonly #onAbort = () =>
    void this.close().catch((error) => this.listenerCount('error') > 0 && this.emit('error', error));
  readonly #cancelAtExit: () => void;
  #isClosed = false;
  #hasFailed = false;

  /**
   * Sets up the host. When something fails, the host is as it was before. The process needs CAP_NET_ADMIN, and
   * CAP_NET_RAW in the modes 'userspace' and 'bpf', which also needs CAP_BPF, and CAP_PERFMON before Linux 6.17.
   *
   * @param options - `virtualAddresses` and `directors` are required.
   * @throws {@link TunvsError} ERR_TUNVS_INVALID_ARGUMENT when an option is refused, ERR_TUNVS_PERMISSION when a
   *   privilege is missing, ERR_TUNVS_NO_DEVICE when /dev/net/tun does not exist, ERR_TUNVS_BUSY when a device or port
   *   is in use, ERR_TUNVS_UNSUPPORTED when the kernel lacks a feature, ERR_TUNVS_HOST when a step failed, and
   *   ERR_TUNVS_SYSTEM when a system call failed in another way. An aborted signal throws its reason.
   */
  static async open(options: RealServerHostOptions): Promise<RealServerHost> {
    const checked = checkedRealServer(options);
    checked.signal?.throwIfAborted();
    return new RealServerHost(checked, thisHost);
  }

  /**
   * Lists the steps that open() would take now. It changes nothing, and does not try to load kernel modules.
   *
   * @throws {@link TunvsError} ERR_TUNVS_INVALID_ARGUMENT when an option is refused.
   */
  static plan(options: RealServerHostOptions): HostStep[] {
    return rehearse(checkedRealServer(options), thisHost).steps;
  }

  /** The same with the devices, and refused where `open` would refuse a device that is there. @internal */
  static rehearse(options: RealServerHostOptions): { devices: string[]; steps: HostStep[] } {
    return rehearse(checkedRealServer(options), thisHost);
  }

  private constructor(checked: CheckedRealServer, host: Host) {
    super();
    // The compiler refuses this call, but JavaScript does not.
    if (host === undefined) throw notByNew("a real server's host", 'RealServerHost.open()');
    const { parts, devices, decapsulator, warnings } = openRealServer(checked, host);
    this.#parts = parts;
    this.#devices = devices;
    this.#decapsulator = decapsulator;
    this.#counted = decapsulator ?? new KernelCounters(() => devices.names);
    this.mode = decapsulator === undefined ? 'kernel' : checked.mode === 'bpf' ? 'bpf' : 'userspace';
    this.warnings = warnings;
    this.#cancelAtExit = atExit(() => parts.clear());
    const report = unhindered((event: HostEvent) => void this.emit('event', event));
    const fail = unhindered((reason: string) => this.#fail(reason));
    const watch = new RealServerWatch(parts, devices, { report, lost: decapsulator && fail });
    this.#keeper = hostKeeper(watch, report);
    this.#signal = checked.signal;
    this.#signal?.addEventListener('abort', this.#onAbort, { once: true });
    decapsulator?.watch(fail);
  }

  /** The names of the devices that inner packets come out of. With direct routing alone there are none. */
  get devices(): readonly string[] {
    return this.#devices.names;
  }

  /**
   * Looks at the host now and puts back whatever is missing of what was set up. Nobody has to call this, because the
   * host is watched.
   *
   * @returns How many things it put back.
   * @throws {@link TunvsError} ERR_TUNVS_HOST when the host cannot be read.
   */
  async mendHost(): Promise<number> {
    this.#assertOpen();
    return this.#keeper.mend();
  }

  /** Reads the counters. */
  stats(): RealServerHostStats {
    this.#assertOpen();
    return { counters: this.#counted.counters() };
  }

  /**
   * Makes the host what it was before. A second call does no harm.
   *
   * @throws {@link TunvsError} ERR_TUNVS_HOST when something could not be undone.
   */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#decapsulator?.unwatch();
    this.#cancelAtExit();
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#keeper.close();
    const failures = this.#parts.clear();
    this.#decapsulator?.close();
    unhindered(() => this.emit('close'))();
    if (failures.length > 0) {
      const said = failures.map((failure) => failure.message).join('; ');
      throw new TunvsError('ERR_TUNVS_HOST', `the host could not be restored: ${said}`, { cause: failures[0] });
    }
  }

  /** Closes the host at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Returns the mode and the devices for JSON.stringify(). */
  toJSON(): object {
    return { mode: this.mode, devices: this.devices, ...(this.#isClosed && { isClosed: true }) };
  }

  /** @internal */
  [inspect.custom](depth: number, options: InspectOptions): string {
    return depth < 0 ? '[RealServerHost]' : `RealServerHost ${inspect(this.toJSON(), options)}`;
  }

  /** Reports the first failure only: what follows from a lost device is no news. */
  #fail(reason: string): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#decapsulator?.unwatch();
    const message = `${reason}; tunnel packets no longer reach this host's services: open it again`;
    this.emit('error', new TunvsError('ERR_TUNVS_NO_DEVICE', message));
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new TunvsError('ERR_TUNVS_CLOSED', 'this RealServerHost is closed: open another');
  }
}
