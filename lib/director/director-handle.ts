/** What can be done with a director, with a device or without. A table of contents; the work is in the modules. */
import { EventEmitter } from 'node:events';
import { inspect, type InspectOptions } from 'node:util';
import type { DirectorHost } from '../host/director-host.js';
import { atExit } from '../host/at-exit.js';
import { type Connection, type ConnectionsOptions, connections } from '../stats/connections.js';
import type { DirectorSample } from '../stats/rates.js';
import { readStats } from '../stats/read-stats.js';
import type { DirectorStats } from '../stats/stats.js';
import type { WatchOptions } from '../stats/watch.js';
import { Watches } from '../stats/watches.js';
import { TunvsError } from '../values/errors.js';
import type { ExplainedFlow } from '../values/flow-packet.js';
import { withJson } from '../values/json.js';
import type { MarkRule } from '../values/marks.js';
import { functionOption, notByNew } from '../values/options.js';
import { type ServiceIdentity, serviceIdentity, type VirtualServiceKey } from '../values/service-key.js';
import type { StateTimeouts, Timeouts } from '../values/timeouts.js';
import { notAllUndone } from './closing.js';
import type { Configuration, Transaction } from './configuration.js';
import { directorConfiguration } from './director-configuration.js';
import type { DirectorDevice, MarkDevice } from './director-device.js';
import { DirectorEngine } from './director-engine.js';
import { DirectorNews } from './director-news.js';
import type { DirectorParts, HostKeeping } from './director-parts.js';
import { DirectorSettings } from './director-settings.js';
import type { DirectorEvents } from './events.js';
import { type Explanation, explainedPacket, explanation } from './explain.js';
import type { Pulse } from './pulse.js';
import type { VirtualServiceOptions } from './service-options.js';
import { directorJson, directorView, inspected } from './views.js';
import type { VirtualService } from './virtual-service.js';

/** CPU time of one worker thread, nanoseconds. */
export interface WorkerCpu {
  userNs: bigint;
  systemNs: bigint;
}

/** See {@link Director}. */
export abstract class DirectorHandle extends EventEmitter<DirectorEvents> implements AsyncDisposable {
  /** The director addresses (DIP) and ranges of them, in their canonical spelling. */
  readonly sources: readonly string[];
  /** Undefined when offline. */
  readonly device: DirectorDevice | undefined;
  /** What comes by them has a firewall mark; in the order of the options, empty when offline. */
  readonly markDevices: readonly MarkDevice[];
  /** One sentence each: what was found odd on opening, and its mend. */
  readonly warnings: readonly string[];
  readonly #engine: DirectorEngine;
  readonly #news: DirectorNews;
  readonly #configuration: Configuration;
  readonly #settings: DirectorSettings;
  readonly #pulse: Pulse;
  readonly #host: DirectorHost | undefined;
  readonly #keeping: HostKeeping | undefined;
  readonly #nowMs: () => number;
  readonly #workerCpu: () => WorkerCpu[];
  readonly #watches: Watches;
  readonly #cancelAtExit: () => void;
  #closed: Promise<void> | undefined;

  /** Use {@link Director.open} or {@link Director.offline}. @internal */
  protected constructor(parts: DirectorParts) {
    super();
    // The compiler refuses it, JavaScript does not.
    if (!(parts?.engine instanceof DirectorEngine))
      throw notByNew('a director', 'Director.open() or Director.offline()');
    const { engine, pulse, host, sources } = parts;
    this.#engine = engine;
    this.#pulse = pulse;
    this.#host = host;
    this.#nowMs = parts.nowMs;
    this.#workerCpu = parts.workerCpu;
    this.sources = sources;
    this.device = parts.device;
    this.markDevices = parts.markDevices ?? [];
    this.warnings = parts.warnings ?? [];
    const news = new DirectorNews(this, () => engine.isEnded);
    this.#news = news;
    this.#settings = new DirectorSettings(engine, (warning) => news.warn(warning));
    this.#watches = new Watches({ read: () => this.stats(), now: () => performance.now() });
    this.#configuration = directorConfiguration({
      ...{ engine, news, pulse, sources },
      vipRoutes: host,
      localAddresses: () => this.#keeping?.watch.addresses ?? parts.localAddresses(),
    });
    const { policies } = this.#configuration;
    policies.connect(() => parts.policies(policies.answer));
    if (parts.device) engine.keepHouse();
    this.#cancelAtExit = host ? atExit(() => host.close()) : () => {};
    parts.relay?.forward((events) => events.forEach((event) => void news.report(event)));
    this.#keeping = parts.keep?.({
      moveServers: () => this.#configuration.moveServers(),
      report: (event) => news.reportHost(event),
    });
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
    const host = this.#keeping && { host: { ...this.#keeping.keeper.counts } };
    return { ...this.#engine.call((native) => readStats(native, this.#nowMs())), ...host };
  }

  /**
   * Samples of the stats with rates; the first comes after one interval. Ends when the director is closed.
   *
   * @throws {@link TunvsError} ERR_TUNVS_UNSUPPORTED when offline: such a director has no clock of its own.
   */
  watch(options: WatchOptions = {}): AsyncIterator<DirectorSample, undefined> & AsyncIterable<DirectorSample> {
    this.#engine.assertOpen();
    if (!this.device) {
      throw new TunvsError(
        'ERR_TUNVS_UNSUPPORTED',
        'an offline director has no clock to watch: call stats() after process()',
      );
    }
    return this.#watches.begin(options);
  }

  /**
   * Goes through the connection table, a page at a time while traffic goes on: a connection that is there all the
   * while is seen once, one that comes or goes meanwhile may be missed.
   */
  connections(options: ConnectionsOptions = {}): AsyncGenerator<Connection, void, undefined> {
    this.#engine.assertOpen();
    return connections(options, (cursor, limit) => this.#engine.call((native) => native.connections(cursor, limit)));
  }

  /**
   * Which real server a packet would get now, and by which rule; nothing changes by asking. `packet` is one from its IP
   * header on, or what tells a flow's first packet from others.
   *
   * @param mark - Firewall mark of the device that it comes from.
   */
  explain(packet: Uint8Array | ExplainedFlow, options: { mark?: number } = {}): Explanation {
    const { bytes, mark } = explainedPacket(packet, options);
    return this.#engine.call((native) => {
      const said = native.explain(bytes, mark);
      const service = said.service && this.#configuration.virtualService(serviceIdentity(said.service));
      return explanation(said, service?.scheduler, service?.policy);
    });
  }

  get timeouts(): Timeouts {
    return this.#settings.timeouts;
  }

  /** Those of every state; services may have their own. */
  get stateTimeouts(): Required<StateTimeouts> {
    return this.#settings.stateTimeouts;
  }

  /**
   * Seconds, [0, 2678400], by ipvsadm's names or those of states; those left out, and 0, stay as they are. A
   * connection takes its new one with its next packet.
   */
  setTimeouts(timeouts: Partial<Timeouts> & StateTimeouts): void {
    this.#settings.setTimeouts(timeouts);
  }

  /**
   * By name, without `net.ipv4.vs.`. An automatic defence (`drop_entry`, `drop_packet` or `secure_tcp` in mode 1 or 2)
   * reads 2 while it is on and 1 while it is not.
   */
  get sysctls(): Record<string, number> {
    return this.#settings.sysctls;
  }

  /**
   * Sets one of `sysctls`, which have IPVS's names and meanings, with or without `net.ipv4.vs.` in front. Those that
   * have no effect here are kept, and a warning is published that says why.
   *
   * @throws {@link TunvsError} ERR_TUNVS_INVALID_ARGUMENT for an unknown name or a value out of its range.
   */
  setSysctl(name: string, value: number): void {
    this.#settings.setSysctl(name, value);
  }

  /** CPU time that each worker thread has taken so far. */
  workerCpu(): WorkerCpu[] {
    return this.#engine.call(() => this.#workerCpu().map(withJson));
  }

  /**
   * Looks at the host now and puts back whatever is missing of what was set up, that too which somebody took away so
   * often that it was left alone; resolves with how many things it were. Nobody has to call this: the host is watched.
   *
   * @throws {@link TunvsError} ERR_TUNVS_HOST when the host cannot be read.
   */
  async mendHost(): Promise<number> {
    this.#engine.assertOpen();
    return (await this.#keeping?.keeper.mend()) ?? 0;
  }

  /**
   * Stops the workers, gives the device back and undoes the host's set-up. Twice is fine.
   *
   * @throws {@link TunvsError} ERR_TUNVS_HOST when something on the host could not be undone; the director is closed
   *   all the same.
   */
  close(): Promise<void> {
    if (this.#closed === undefined) {
      let settle = (_: Promise<void>): void => {};
      // There before anybody is told, because a listener may close it again.
      this.#closed = new Promise((resolve) => {
        settle = resolve;
      });
      settle(this.#close());
    }
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  toJSON(): object {
    return directorJson(this);
  }

  /** @internal */
  [inspect.custom](depth: number, options: InspectOptions): string {
    return inspected(this, () => directorView(this), depth, options);
  }

  async #close(): Promise<void> {
    this.#engine.end();
    this.#cancelAtExit();
    this.#watches.close();
    this.#configuration.policies.stop();
    this.#pulse.stop();
    this.#keeping?.keeper.close();
    const failures: unknown[] = this.#host?.close() ?? [];
    try {
      this.#engine.close();
    } catch (error) {
      failures.push(error);
    }
    this.#news.closed();
    if (failures.length > 0) throw notAllUndone(failures);
  }
}
