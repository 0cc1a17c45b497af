/** The director: the handle on an engine, with a device or without. A table of contents; the work is in the modules. */
import { EventEmitter } from 'node:events';
import { types } from 'node:util';
import { atExit } from '../host/at-exit.js';
import { Configuration, type Transaction } from './configuration.js';
import { type Connection, type ConnectionsOptions, connections } from '../stats/connections.js';
import { checkedOfflineOptions, type DirectorOpenOptions, type OfflineOptions } from './director-options.js';
import type { DirectorDevice, MarkDevice } from './director-device.js';
import type { EngineEvent } from '../values/engine-event.js';
import { TunvsError, toTunvsError, wrapNative } from '../values/errors.js';
import { type ConfigurationEvent, channels, type DirectorEvents, type DirectorWarning, tell } from './events.js';
import { type Explanation, explanation } from './explain.js';
import { type ExplainedFlow, packetOf } from '../values/flow-packet.js';
import type { DirectorParts, HostKeeping } from './director-parts.js';
import { openDirector } from './open.js';
import type { DirectorHost } from '../host/director-host.js';
import type { HostEvent } from '../host/host-event.js';
import { isOwnAddress } from '../host/own-address.js';
import type { MarkRule } from '../values/marks.js';
import { native } from '../native/addon.js';
import type { NativeDirector, NativePolicyListener } from '../native/director.js';
import type { NativeEvent } from '../native/engine.js';
import type { NativeOffline } from '../native/offline.js';
import { checkedPackets, checkedTime, type ProcessResult, processResult } from './offline-director.js';
import {
  checkedOptions,
  choiceOption,
  functionOption,
  integerOption,
  MAX_INT32,
  MAX_UINT32,
  readArguments,
} from '../values/options.js';
import { ManualPulse, type Pulse } from './pulse.js';
import type { DirectorSample } from '../stats/rates.js';
import { sourceFamily } from '../values/source.js';
import { onePacketWarning } from '../values/scheduler.js';
import { type ServiceIdentity, serviceIdentity, serviceName, type VirtualServiceKey } from '../values/service-key.js';
import type { VirtualServiceOptions } from './service-options.js';
import { type DirectorStats, serviceStats, sumTraffic } from '../stats/stats.js';
import { inertSysctlWarning } from '../values/sysctls.js';
import { checkedTimeouts, type StateTimeouts, type Timeouts } from '../values/timeouts.js';
import type { VirtualService } from './virtual-service.js';
import { Watch, type WatchOptions } from '../stats/watch.js';

/** CPU time of one worker thread, nanoseconds. */
export interface WorkerCpu {
  userNs: bigint;
  systemNs: bigint;
}

/** Between two looks of the native part at what is removed for good, and how far slow starts have come. */
const HOUSEKEEPING_INTERVAL_MS = 1000;
const ENDING_INTERVAL_MS = 1;

/**
 * A director: virtual services, and an engine that forwards their packets to real servers.
 *
 * The packets are worked on by native threads, so a busy event loop does not hold them up. An open director does not
 * keep the process alive; `watch()` and `drain()` do while they are waited for.
 *
 * Every error is a {@link TunvsError}. After close() every call throws ERR_TUNVS_CLOSED, but for close() itself.
 */
export class Director extends EventEmitter<DirectorEvents> implements AsyncDisposable {
  /** The director addresses (DIP) and ranges of them, in their canonical spelling. */
  readonly sources: readonly string[];
  /** Undefined when offline. */
  readonly device: DirectorDevice | undefined;
  /** What comes by them has a firewall mark; in the order of the options, empty when offline. */
  readonly markDevices: readonly MarkDevice[];
  /** One sentence each: what was found odd on opening, and its mend. */
  readonly warnings: readonly string[];
  readonly #native: NativeDirector;
  readonly #configuration: Configuration;
  readonly #pulse: Pulse;
  readonly #host: DirectorHost | undefined;
  readonly #keeping: HostKeeping | undefined;
  #hasLostDevice = false;
  readonly #nowMs: () => number;
  readonly #workerCpu: () => WorkerCpu[];
  readonly #watches = new Set<Watch>();
  readonly #cancelAtExit: () => void;
  readonly #counters = new BigUint64Array(native.counters.length);
  readonly #housekeeping: NodeJS.Timeout | undefined;
  #ending: NodeJS.Timeout | undefined;
  #closed: Promise<void> | undefined;

  /** Use {@link Director.open} or {@link Director.offline}. @internal */
  protected constructor(parts: DirectorParts) {
    super();
    this.#native = parts.native;
    this.#pulse = parts.pulse;
    this.#host = parts.host;
    this.#nowMs = parts.nowMs;
    this.#workerCpu = parts.workerCpu;
    this.sources = parts.sources;
    this.device = parts.device;
    this.markDevices = parts.markDevices ?? [];
    this.warnings = parts.warnings ?? [];
    this.#configuration = new Configuration({
      apply: (operations) => {
        if (this.#call((engine) => engine.apply(operations))) this.#endRemoved();
      },
      assertOpen: () => this.#assertOpen(),
      serviceRow: (service) => this.#call((engine) => engine.service(service)),
      serverRow: (service, server) => this.#call((engine) => engine.server(service, server)),
      sourceFamilies: parts.sources.map(sourceFamily),
      isLocal: (address) =>
        parts.sources.includes(address) ||
        isOwnAddress(address, this.#keeping?.watch.addresses ?? parts.localAddresses()),
      vipRoutes: parts.host,
      tell: (event) => this.#tell(event),
      nextPulse: (signal, atMostMs) => parts.pulse.next(signal, atMostMs),
      monotonicMs: () => parts.pulse.nowMs(),
      endConnections: (service, server, cursor) =>
        this.#call((engine) => engine.endConnections(service, server, cursor)),
      policies: {
        every: (intervalMs, run) => parts.pulse.every(intervalMs, run),
        nowMs: () => parts.pulse.nowMs(),
        report: (event) => this.#report(event),
      },
    });
    const { policies } = this.#configuration;
    policies.connect(() => parts.policies(policies.answer));
    if (parts.device) this.#housekeeping = setInterval(() => parts.native.collect(), HOUSEKEEPING_INTERVAL_MS).unref();
    this.#cancelAtExit = parts.host ? atExit(() => parts.host?.close()) : () => {};
    parts.relay?.forward((events) => this.#engineEvents(events));
    this.#keeping = parts.keep?.({
      moveServers: () => this.#configuration.moveServers(),
      report: (event) => this.#hostEvent(event),
    });
  }

  /**
   * Opens the devices, starts a worker thread per queue and sets up the host. When something fails, all of it is undone.
   *
   * Needs CAP_NET_ADMIN, and CAP_NET_RAW for the egresses 'packet' and 'raw'.
   *
   * @throws {@link TunvsError} ERR_TUNVS_INVALID_ARGUMENT, ERR_TUNVS_PERMISSION, ERR_TUNVS_NO_DEVICE, ERR_TUNVS_BUSY
   *   when another process holds the device, ERR_TUNVS_UNSUPPORTED, ERR_TUNVS_HOST when setting up the host failed,
   *   ERR_TUNVS_SYSTEM; the signal's reason.
   */
  static async open(options: DirectorOpenOptions): Promise<Director> {
    return openDirector(options, (parts) => {
      const director = new Director(parts);
      channels.open.publish({ director });
      for (const message of director.warnings) channels.warning.publish({ director, message, about: 'host' });
      return director;
    });
  }

  /**
   * A director without a device: `process()` takes packets and returns what would be sent, by the very engine that a
   * device has. Needs no privilege.
   *
   * @throws {@link TunvsError} ERR_TUNVS_INVALID_ARGUMENT.
   */
  static offline(options: OfflineOptions): OfflineDirector {
    return OfflineDirector.create(options);
  }

  /**
   * Adds a virtual service, and with the first one of an address or range the host's route for it.
   *
   * @throws {@link TunvsError} ERR_TUNVS_EXISTS, ERR_TUNVS_INVALID_ARGUMENT; ERR_TUNVS_HOST or ERR_TUNVS_BUSY when
   *   the host cannot direct the address to the device.
   */
  addVirtualService(options: VirtualServiceOptions): VirtualService {
    return this.#configuration.addVirtualService(options);
  }

  /** The virtual service of this name; undefined when there is none. */
  virtualService(key: VirtualServiceKey | ServiceIdentity): VirtualService | undefined {
    return this.#configuration.virtualService(key);
  }

  /** In the order of adding. */
  get virtualServices(): VirtualService[] {
    return this.#configuration.virtualServices;
  }

  /** @throws {@link TunvsError} ERR_TUNVS_NOT_FOUND. */
  deleteVirtualService(key: VirtualServiceKey | ServiceIdentity): void {
    this.#configuration.deleteVirtualService(key);
  }

  /**
   * Everything that `change` does to services and real servers of this director comes into force together, at one
   * moment for all workers; when it throws, or the changes are refused, nothing of it does. Returns what it returns.
   *
   * `change` cannot wait: a promise is refused. A transaction within it takes back its own part when it throws.
   */
  transaction<T>(change: (transaction: Transaction) => T): T {
    return this.#configuration.transaction(functionOption('transaction', change));
  }

  /** The rules by which packets get a firewall mark, in their order. */
  get marks(): MarkRule[] {
    return this.#configuration.marks;
  }

  /**
   * Replaces these rules. Where there is a service of a mark, the host gets a route for the destinations of its rules;
   * connections that are there stay where they are.
   *
   * @throws {@link TunvsError} ERR_TUNVS_INVALID_ARGUMENT; ERR_TUNVS_HOST or ERR_TUNVS_BUSY when the host cannot
   *   direct a destination to the device.
   */
  setMarks(rules: readonly MarkRule[]): void {
    this.#configuration.setMarks(rules);
  }

  /** Deletes all virtual services; the rules of marks stay. */
  clear(): void {
    this.#configuration.clear();
  }

  /** Sets all counters back to 0. */
  zero(): void {
    this.#configuration.zero();
  }

  stats(): DirectorStats {
    return this.#call((engine) => {
      engine.readCounters(this.#counters);
      const services = engine.services().map(serviceStats);
      return {
        atMs: this.#nowMs(),
        counters: Object.fromEntries(native.counters.map((name, index) => [name, this.#counters[index] ?? 0n])),
        table: engine.tableInfo(),
        totals: sumTraffic(services.map((service) => service.totals)),
        services,
        ...(this.#keeping && { host: { ...this.#keeping.keeper.counts } }),
      };
    });
  }

  /**
   * Samples of the stats with rates; the first comes after one interval. Ends when the director is closed.
   *
   * @throws {@link TunvsError} ERR_TUNVS_UNSUPPORTED when offline: such a director has no clock of its own.
   */
  watch(options: WatchOptions = {}): AsyncIterableIterator<DirectorSample, undefined> {
    this.#assertOpen();
    if (!this.device) {
      throw new TunvsError(
        'ERR_TUNVS_UNSUPPORTED',
        'an offline director has no clock to watch: call stats() after process()',
      );
    }
    const watch = new Watch(options, {
      read: () => this.stats(),
      now: () => performance.now(),
      ended: (over) => this.#watches.delete(over),
    });
    this.#watches.add(watch);
    return watch;
  }

  /**
   * Goes through the connection table, a page at a time while traffic goes on: a connection that is there all the
   * while is seen once, one that comes or goes meanwhile may be missed.
   */
  connections(options: ConnectionsOptions = {}): AsyncGenerator<Connection, void, undefined> {
    this.#assertOpen();
    return connections(options, (cursor, limit) => this.#call((engine) => engine.connections(cursor, limit)));
  }

  /**
   * Which real server a packet would get now, and by which rule; nothing changes by asking. `packet` is one from its IP
   * header on, or what tells a flow's first packet from others.
   *
   * @param mark - Firewall mark of the device that it comes from.
   */
  explain(packet: Uint8Array | ExplainedFlow, options: { mark?: number } = {}): Explanation {
    const { mark } = checkedOptions('explain', options, ['mark']);
    const bytes = readArguments('explain', () => (types.isUint8Array(packet) ? packet : packetOf('explain', packet)));
    const known = integerOption('explain: mark', mark, 0, MAX_UINT32, 0);
    return this.#call((engine) => {
      const said = engine.explain(bytes, known);
      const service = said.service && this.#configuration.virtualService(serviceIdentity(said.service));
      return explanation(said, service?.scheduler, service?.policy);
    });
  }

  get timeouts(): Timeouts {
    const { established: tcp, finWait: tcpFin, udp } = this.stateTimeouts;
    return { tcp, tcpFin, udp };
  }

  /** Those of every state; services may have their own. */
  get stateTimeouts(): Required<StateTimeouts> {
    return this.#call((engine) => engine.timeouts()) as Required<StateTimeouts>;
  }

  /**
   * Seconds, [0, 2678400], by ipvsadm's names or those of states; those left out, and 0, stay as they are. A
   * connection takes its new one with its next packet.
   */
  setTimeouts(timeouts: Partial<Timeouts> & StateTimeouts): void {
    const checked = checkedTimeouts(timeouts);
    this.#call((engine) => engine.setTimeouts(checked as Record<string, number>));
  }

  /**
   * By name, without `net.ipv4.vs.`. An automatic defence (`drop_entry`, `drop_packet` or `secure_tcp` in mode 1 or 2)
   * reads 2 while it is on and 1 while it is not.
   */
  get sysctls(): Record<string, number> {
    return this.#call((engine) => engine.sysctls());
  }

  /**
   * Sets one of `sysctls`, which have IPVS's names and meanings, with or without `net.ipv4.vs.` in front. Those that
   * have no effect here are kept, and a warning is published that says why.
   *
   * @throws {@link TunvsError} ERR_TUNVS_INVALID_ARGUMENT for an unknown name or a value out of its range.
   */
  setSysctl(name: string, value: number): void {
    const short = typeof name === 'string' ? name.replace(/^net\.ipv4\.vs\./, '') : name;
    const known = choiceOption('setSysctl: name', short, native.sysctlNames);
    const checked = integerOption(`setSysctl: ${known}`, value, -MAX_INT32, MAX_INT32);
    this.#call((engine) => engine.setSysctl(known, checked));
    const message = inertSysctlWarning(known);
    if (message !== undefined) this.#warn({ message, about: 'configuration' });
  }

  /** CPU time that each worker thread has taken so far. */
  workerCpu(): WorkerCpu[] {
    return this.#call(() => this.#workerCpu());
  }

  /**
   * Looks at the host now and puts back whatever is missing of what was set up, that too which somebody took away so
   * often that it was left alone; resolves with how many things it were. Nobody has to call this: the host is watched.
   *
   * @throws {@link TunvsError} ERR_TUNVS_HOST when the host cannot be read.
   */
  async mendHost(): Promise<number> {
    this.#assertOpen();
    return (await this.#keeping?.keeper.mend()) ?? 0;
  }

  /**
   * Stops the workers, gives the device back and undoes the host's set-up. Twice is fine.
   *
   * @throws {@link TunvsError} ERR_TUNVS_HOST when something on the host could not be undone; the director is closed
   *   all the same.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** For the offline director. @internal */
  protected drive<T>(run: () => T): T {
    return this.#call(run);
  }

  async #close(): Promise<void> {
    this.#cancelAtExit();
    for (const watch of [...this.#watches]) watch.close();
    this.#configuration.policies.stop();
    this.#pulse.stop();
    clearInterval(this.#housekeeping);
    clearTimeout(this.#ending);
    this.#keeping?.keeper.close();
    const failures: unknown[] = this.#host?.close() ?? [];
    try {
      this.#native.close();
    } catch (error) {
      failures.push(error);
    }
    channels.close.publish({ director: this });
    this.emit('close');
    if (failures.length > 0) {
      const cause = failures.length === 1 ? failures[0] : new AggregateError(failures);
      const said = failures.map((failure) => toTunvsError(failure).message).join('; ');
      throw new TunvsError('ERR_TUNVS_HOST', `the director is closed, but not all was undone: ${said}`, { cause });
    }
  }

  /** Goes on ending connections of servers that were removed, a piece now and then, with others' turns in between. */
  #endRemoved(): void {
    this.#ending ??= setTimeout(() => {
      this.#ending = undefined;
      if (!this.#native.endRemoved()) this.#endRemoved();
    }, ENDING_INTERVAL_MS).unref();
  }

  #engineEvents(events: NativeEvent[]): void {
    for (const event of events) this.#report(event);
  }

  /** Of a device that is gone, the engine's own news comes first, or there is none. */
  #hostEvent(event: HostEvent): void {
    if (event.type === 'deviceLost' && this.#hasLostDevice) return;
    if (channels.warning.hasSubscribers) channels.warning.publish({ director: this, message: event.message });
    this.#report(event);
  }

  #report(event: EngineEvent): void {
    if (this.#closed) return;
    if (event.type === 'deviceLost') this.#hasLostDevice = true;
    if (channels.event.hasSubscribers) channels.event.publish({ director: this, ...event });
    if (event.type === 'deviceLost') this.emit('error', new TunvsError('ERR_TUNVS_NO_DEVICE', event.message));
    else this.emit('event', event);
  }

  #warn(warning: DirectorWarning): void {
    channels.warning.publish({ director: this, ...warning });
    this.emit('warning', warning);
  }

  #tell(change: ConfigurationEvent): void {
    tell(this, change);
    if (change.name !== 'virtualService' || change.event.change === 'deleted') return;
    const { service } = change.event;
    // A listener of the change may have deleted it, or closed the director.
    if (this.#closed || this.#configuration.virtualService(service) !== service) return;
    const oddity = service.onePacket && !service.persistence ? onePacketWarning(service.scheduler) : undefined;
    if (oddity !== undefined) this.#warn({ message: `${serviceName(service)}: ${oddity}`, about: 'configuration' });
  }

  #assertOpen(): void {
    if (this.#closed) throw new TunvsError('ERR_TUNVS_CLOSED', 'the director is closed: open another');
  }

  #call<T>(run: (engine: NativeDirector) => T): T {
    this.#assertOpen();
    return wrapNative(() => run(this.#native));
  }
}

/**
 * A director without a device; made by {@link Director.offline}.
 *
 * Time is what `process()` and `advance()` say: it begins at 0 ms and never goes back. `drain()` looks at its server
 * whenever time has been moved.
 */
export class OfflineDirector extends Director {
  readonly #engine: NativeOffline;
  readonly #clock: { atMs: number };
  readonly #beat: ManualPulse;

  private constructor(parts: DirectorParts, engine: NativeOffline, clock: { atMs: number }, pulse: ManualPulse) {
    super(parts);
    this.#engine = engine;
    this.#clock = clock;
    this.#beat = pulse;
  }

  /** @internal */
  static create(options: OfflineOptions): OfflineDirector {
    const checked = checkedOfflineOptions(options);
    const { sources } = checked.native;
    const local = checked.localAddresses.map((address) => ({ address }));
    const clock = { atMs: 0 };
    const pulse = new ManualPulse();
    const engine = wrapNative(() => new native.Offline(checked.native));
    const nowMs = () => clock.atMs;
    const policies = (answer: NativePolicyListener) => wrapNative(() => engine.onPolicies(answer));
    const parts = { native: engine, sources, pulse, localAddresses: () => local, nowMs, policies, workerCpu: () => [] };
    const director = new OfflineDirector(parts, engine, clock, pulse);
    channels.open.publish({ director });
    return director;
  }

  /**
   * Takes packets (from their IP header on) as if they were read from the device at these times.
   *
   * @param atMs - one time for all of them, or one for each; not before what `process()` and `advance()` reached.
   */
  process(packets: Uint8Array | readonly Uint8Array[], atMs: number | Float64Array): ProcessResult {
    const checked = checkedPackets(packets, atMs, this.#clock.atMs);
    const result = this.drive(() => this.#engine.process(checked.packets, checked.timesMs));
    this.#moveTo(checked.timesMs.at(-1) ?? this.#clock.atMs);
    return processResult(result);
  }

  /** Lets time pass without packets, so that connections expire. */
  advance(atMs: number): void {
    const checked = checkedTime('advance: atMs', atMs, this.#clock.atMs);
    this.drive(() => this.#engine.advance(checked));
    this.#moveTo(checked);
  }

  #moveTo(atMs: number): void {
    this.#clock.atMs = atMs;
    this.#beat.beat(atMs);
  }
}
