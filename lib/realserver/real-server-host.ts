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

export interface RealServerHostStats {
  /**
   * In userspace mode by what became of each packet; in kernel mode what the tunnel devices counted since opening,
   * summed up. Packets of direct routing are counted nowhere.
   */
  counters: Record<string, bigint>;
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

export class RealServerHost extends EventEmitter<RealServerHostEvents> implements AsyncDisposable {
  /** Where tunnel packets are taken apart; direct routing alone is the kernel's business. */
  readonly mode: 'kernel' | 'userspace';
  /** What was found on the host that keeps it from working well, one sentence each. */
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

  /** @throws {@link TunvsError}; the host is then as it was. */
  static async open(options: RealServerHostOptions): Promise<RealServerHost> {
    const checked = checkedRealServer(options);
    checked.signal?.throwIfAborted();
    return new RealServerHost(checked, thisHost);
  }

  /** The steps that `open` would take now, without trying to load modules; changes nothing. */
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
    this.mode = decapsulator === undefined ? 'kernel' : 'userspace';
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

  /** Devices that inner packets come out of; none with direct routing alone. */
  get devices(): readonly string[] {
    return this.#devices.names;
  }

  /**
   * Looks at the host now and puts back whatever is missing of what was set up; resolves with how many things it were.
   * Nobody has to call this: the host is watched.
   *
   * @throws {@link TunvsError} ERR_TUNVS_HOST when the host cannot be read.
   */
  async mendHost(): Promise<number> {
    this.#assertOpen();
    return this.#keeper.mend();
  }

  stats(): RealServerHostStats {
    this.#assertOpen();
    return { counters: this.#counted.counters() };
  }

  /** Makes the host what it was before. Twice is fine. */
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

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  toJSON(): object {
    return { mode: this.mode, devices: this.devices, ...(this.#isClosed && { isClosed: true }) };
  }

  /** @internal */
  [inspect.custom](depth: number, options: InspectOptions): string {
    return depth < 0 ? '[RealServerHost]' : `RealServerHost ${inspect(this.toJSON(), options)}`;
  }

  /** Told once: what follows from a lost device is no news. */
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
