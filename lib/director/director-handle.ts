/** What a director can do, with a device or without: a table of contents; the work is in the modules. */
import { EventEmitter } from 'node:events';
import { inspect, type InspectOptions } from 'node:util';
import type { DirectorHost } from '../host/director-host.js';
import { atExit } from '../host/at-exit.js';
import { type Connection, type ConnectionsOptions, connectionPiece, connections } from '../stats/connections.js';
import type { DirectorSample } from '../stats/rates.js';
import { readStats } from '../stats/read-stats.js';
import type { DirectorStats } from '../stats/stats.js';
import type { WatchOptions } from '../stats/watch.js';
import { Watches } from '../stats/watches.js';
import type { TablePages } from '../stats/table-pages.js';
import type { WorkerCpu } from '../stats/worker-cpu.js';
import type { EngineEventType } from '../values/engine-event.js';
import { TunvsError } from '../values/errors.js';
import type { ExplainedFlow } from '../values/flow-packet.js';
import { withJson } from '../values/json.js';
import type { MarkRule } from '../values/marks.js';
import { type Role, roles } from '../values/role.js';
import { choiceOption, functionOption, notByNew } from '../values/options.js';
import { type ServiceIdentity, serviceIdentity, type VirtualServiceKey } from '../values/service-key.js';
import type { StateTimeouts, Timeouts } from '../values/timeouts.js';
import { notAllUndone } from './closing.js';
import type { Configuration, Transaction } from './configuration.js';
import { directorConfiguration } from './director-configuration.js';
import type { DirectorDevice, MarkDevice } from './director-device.js';
import { DirectorEngine } from './director-engine.js';
import { DirectorNews } from './director-news.js';
import type { DirectorParts, HostKeeping, Taking } from './director-parts.js';
import { DirectorSettings } from './director-settings.js';
import type { DirectorEvents } from './events.js';
import { type Explanation, explainedPacket, explanation } from './explain.js';
import type { FullNatOptions } from './full-nat-options.js';
import { type Pin, pinFlow, type PinnedFlow, type PinOptions } from './pin.js';
import type { Pulse } from './pulse.js';
import { watchSources } from './source-shortage.js';
import { watchSourceWays } from './source-ways-watch.js';
import type { RealServer } from './real-server.js';
import type { DirectorState } from './state-folder.js';
import type { Giver } from './takeover/giver.js';
import {
  startSync,
  stopSync,
  type SyncBacking,
  type SyncOptions,
  type SyncRole,
  type SyncState,
  syncState,
} from './sync.js';
import type { VirtualServiceOptions } from './service-options.js';
import { inspected } from '../values/handle-view.js';
import { holdOwnClients, type OwnClientsHold } from './own-clients.js';
import { directorJson, directorView } from './views.js';
import type { VirtualService } from './virtual-service.js';

/** See {@link Director}. */
export abstract class DirectorHandle extends EventEmitter<DirectorEvents> implements AsyncDisposable {
  /** The director's addresses (DIP) and ranges of them, in their canonical spelling. */
  readonly sources: readonly string[];
  /** What full NAT gives to packets; undefined where there is none. @internal */
  readonly fullNat: FullNatOptions | undefined;
  /** The device that the director has opened; it is undefined for an offline director. */
  readonly device: DirectorDevice | undefined;
  /**
   * The devices whose packets have a firewall mark, in the order of the options. The list is empty for an offline
   * director.
   */
  readonly markDevices: readonly MarkDevice[];
  /** What the director found in the folder of its state; undefined without that option. */
  readonly state: DirectorState | undefined;
  #warnings: { message: string; holds(): boolean }[];
  readonly #engine: DirectorEngine;
  readonly #news: DirectorNews;
  readonly #configuration: Configuration;
  readonly #settings: DirectorSettings;
  readonly #pulse: Pulse;
  readonly #host: DirectorHost | undefined;
  readonly #keeping: HostKeeping | undefined;
  readonly #nowMs: () => number;
  readonly #workerCpu: () => WorkerCpu[];
  readonly #workersTurned: () => boolean[];
  readonly #sync: SyncBacking | undefined;
  readonly #watches: Watches;
  readonly #cancelAtExit: () => void;
  readonly #ending = new AbortController();
  #closed: Promise<void> | undefined;
  #taking: Taking | undefined;
  /** Told when the takeover is complete. */
  readonly #awaiting: (() => void)[] = [];
  readonly #giver: Giver | undefined;
  /** Settled when the process that takes this director's place directs, or has failed to. */
  #handedOver: Promise<void> | undefined;
  #endHandOver: () => void = () => {};

  /** Use {@link Director.open} or {@link Director.offline}. @internal */
  protected constructor(parts: DirectorParts) {
    super();
    // The compiler refuses this call, but JavaScript does not.
    if (!(parts?.engine instanceof DirectorEngine))
      throw notByNew('a director', 'Director.open() or Director.offline()');
    const { engine, pulse, host, sources } = parts;
    this.#engine = engine;
    this.#pulse = pulse;
    this.#host = host;
    this.#nowMs = parts.nowMs;
    this.#workerCpu = parts.workerCpu;
    this.#workersTurned = parts.workersTurned;
    this.#sync = parts.sync;
    this.sources = sources;
    this.fullNat = parts.fullNat;
    this.device = parts.device;
    this.markDevices = parts.markDevices ?? [];
    this.state = parts.state;
    this.#warnings = (parts.warnings ?? []).map((message) => ({ message, holds: () => true }));
    const news = new DirectorNews(this, () => engine.isEnded);
    this.#news = news;
    this.#settings = new DirectorSettings(engine, (warning) => news.warn(warning));
    this.#watches = new Watches({ read: () => this.stats(), now: () => performance.now() });
    this.#configuration = directorConfiguration({
      ...{ engine, news, pulse, sources },
      ...{ vipRoutes: host, role: parts.role ?? 'active', natSources: parts.natSources ?? [] },
      warnOfHost: (message) => queueMicrotask(() => !engine.isEnded && this.warnOfHost(message)),
      takePrefixes: parts.takePrefixes,
      localAddresses: () => this.#keeping?.watch.addresses ?? parts.localAddresses(),
    });
    const { policies } = this.#configuration;
    policies.connect(() => parts.policies(policies.answer));
    if (parts.device) engine.keepHouse();
    if (parts.fullNat)
      watchSources(pulse, {
        hasFullNat: () => this.#configuration.virtualServices.some((service) => service.hasFullNatServer),
        services: () => engine.call((native) => native.services()),
        report: (event) => news.report(event),
      });
    // What is odd is said when the change that has shown it is done.
    if (host)
      host.onWarning = (message, holds) =>
        queueMicrotask(() => {
          if (!engine.isEnded) this.warnOfHost(message, holds);
        });
    this.#cancelAtExit = host ? atExit(() => host.close()) : () => {};
    parts.relay?.forward((events) => events.forEach((event) => void news.report(event)));
    this.#keeping = parts.keep?.({
      moveServers: () => this.#configuration.moveServers(),
      report: (event) => news.reportHost(event),
    });
    this.#taking = parts.taking;
    this.#giver = parts.giver?.({
      stop: () => this.#stopForAnother(),
      end: (pid) => this.#endForAnother(pid),
      fail: (error) => {
        this.#endHandOver();
        news.fail(error);
      },
      warn: (message) => this.warnOfHost(message),
      role: () => this.role,
    });
    const watch = this.#keeping?.watch;
    if (parts.fullNat && watch && host) watchSourceWays(pulse, watch, this.#ending.signal);
  }

  /**
   * Each sentence says what was odd on the host when the director was opened, or has come up since then, and how to
   * mend it.
   */
  get warnings(): readonly string[] {
    this.#warnings = this.#warnings.filter(({ holds }) => holds());
    return [...this.#warnings.map(({ message }) => message), ...(this.#keeping?.watch.conflicts ?? [])];
  }

  /**
   * Says once that something is odd on the host. It is listed for as long as it holds; when it comes again, it is said
   * again. @internal
   */
  warnOfHost(message: string, holds: () => boolean = () => true): void {
    if (this.warnings.includes(message)) return;
    this.#warnings.push({ message, holds });
    this.#news.warn({ message, about: 'host' });
  }

  /** What the director is for its host: see {@link Director.setRole}. */
  get role(): Role {
    return this.#configuration.role;
  }

  /**
   * The virtual addresses and ranges that are configured, and that this host has no route for now: all of a standby, and
   * those whose services are announced by their quorum and lack it.
   */
  get heldBack(): string[] {
    return [...this.#configuration.heldBack];
  }

  /**
   * Makes the director the one that answers for its virtual addresses on this host, or a standby of another one. An
   * active director has routes, rules and proxy entries, and tells its neighbours at once that it answers now; with
   * 'standby' the host gives all of that back. Services, connections and checks stay as they are in either case.
   *
   * A second call with the same role changes nothing; with 'active' the neighbours are told again, who may have heard of
   * another director meanwhile. The event `role` tells of a change.
   *
   * @throws {@link TunvsError} ERR_TUNVS_INVALID_ARGUMENT when the role is unknown, ERR_TUNVS_BUSY within a transaction,
   *   ERR_TUNVS_HOST or ERR_TUNVS_BUSY when the host cannot direct an address to the device: then the director stays a
   *   standby.
   * @example
   * ```ts
   * import { Director } from 'tunvs';
   *
   * const director = Director.offline({ source: '10.2.0.2' });
   * director.on('role', ({ role, before }) => console.log(before, role)); // active standby
   * director.setRole('standby');
   * console.log(director.role); // standby
   * ```
   */
  setRole(role: Role): void {
    const wanted = choiceOption('setRole: role', role, roles);
    const before = this.role;
    if (this.#configuration.setRole(wanted)) this.#news.role({ role: wanted, before });
    else if (wanted === 'active') this.#host?.tellNeighboursAgain();
  }

  /**
   * Adds a virtual service. The first service of an address or range also gives the host its route. To add many, do so
   * within one {@link Director.transaction}, which costs less than a change of its own for each.
   *
   * @returns The handle on the new service, which has no real servers yet.
   * @throws {@link TunvsError} ERR_TUNVS_EXISTS when the service is configured already, ERR_TUNVS_INVALID_ARGUMENT when
   *   an option is refused, ERR_TUNVS_HOST or ERR_TUNVS_BUSY when the host cannot direct the address to the device.
   */
  addVirtualService(options: VirtualServiceOptions): VirtualService {
    return this.#configuration.addVirtualService(options);
  }

  /**
   * Finds the virtual service of this name.
   *
   * @returns The handle, or undefined when no such service is configured.
   * @throws {@link TunvsError} ERR_TUNVS_INVALID_ARGUMENT when `key` names no service.
   */
  virtualService(key: VirtualServiceKey | ServiceIdentity): VirtualService | undefined {
    return this.#configuration.virtualService(key);
  }

  /** The virtual services that are configured, in the order in which they were added. */
  get virtualServices(): VirtualService[] {
    return this.#configuration.virtualServices;
  }

  /**
   * Deletes a virtual service with its real servers; see {@link VirtualService.delete}.
   *
   * @throws {@link TunvsError} ERR_TUNVS_NOT_FOUND when no such service is configured.
   */
  deleteVirtualService(key: VirtualServiceKey | ServiceIdentity): void {
    this.#configuration.deleteVirtualService(key);
  }

  /**
   * Brings everything that `change` does to this director's services and real servers into force at one moment, for all
   * workers. When `change` throws, or a change is refused, nothing of it comes into force.
   *
   * `change` cannot wait, so a promise is refused. When a transaction within a transaction throws, it takes back its
   * own part only.
   *
   * @returns What `change` returns.
   * @throws What `change` throws; {@link TunvsError} ERR_TUNVS_INVALID_ARGUMENT when it returns a promise, and the
   *   errors of the calls in it that only show when the changes come into force.
   * @example
   * ```ts
   * import { Director } from 'tunvs';
   *
   * const director = Director.offline({ source: '10.2.0.2' });
   * director.transaction((change) => {
   *   for (const port of [80, 443]) {
   *     const service = change.addVirtualService({ protocol: 'tcp', address: '192.0.2.1', port });
   *     service.addRealServer({ address: '10.3.0.11' });
   *   }
   * });
   * console.log(director.virtualServices.length); // 2
   * ```
   */
  transaction<T>(change: (transaction: Transaction) => T): T {
    return this.#configuration.transaction(functionOption('transaction', change));
  }

  /** The rules that give packets a firewall mark. The first rule that fits a packet counts. */
  get marks(): MarkRule[] {
    return this.#configuration.marks;
  }

  /**
   * Replaces the rules that give packets a firewall mark. When a virtual service has the mark of a rule, the host gets
   * a route for the rule's destination. Connections stay where they are.
   *
   * @throws {@link TunvsError} ERR_TUNVS_INVALID_ARGUMENT when a rule is refused, ERR_TUNVS_HOST or ERR_TUNVS_BUSY when
   *   the host cannot direct a destination to the device.
   * @example
   * ```ts
   * import { Director } from 'tunvs';
   *
   * const director = Director.offline({ source: '10.2.0.2' });
   * director.setMarks([{ mark: 1, protocol: 'tcp', destination: '192.0.2.0/28', port: 80 }]);
   * const service = director.addVirtualService({ mark: 1 });
   * service.addRealServer({ address: '10.3.0.11' });
   * ```
   */
  setMarks(rules: readonly MarkRule[]): void {
    this.#configuration.setMarks(rules);
  }

  /** Deletes all virtual services. The rules of marks stay. */
  clear(): void {
    this.#configuration.clear();
  }

  /** Sets all counters back to 0. */
  zero(): void {
    this.#configuration.zero();
  }

  /** Reads the statistics of the director, its services and their real servers. */
  stats(): DirectorStats {
    const host = this.#keeping && { host: { ...this.#keeping.keeper.counts } };
    return { ...this.#engine.call((native) => readStats(native, this.#nowMs())), ...host };
  }

  /**
   * Yields the statistics with rates, again and again. The first sample comes after one interval, and the iteration
   * ends when the director is closed. A caller that is slower than the interval misses samples.
   *
   * @throws {@link TunvsError} ERR_TUNVS_UNSUPPORTED when the director is offline, because it has no clock of its own;
   *   ERR_TUNVS_INVALID_ARGUMENT when an option is refused. The iteration throws the reason of an aborted signal.
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
   * Goes through the connection table a page at a time, while traffic goes on. A connection that is there all the while
   * is seen once; one that comes or goes meanwhile may be missed.
   *
   * @throws {@link TunvsError} ERR_TUNVS_INVALID_ARGUMENT when a filter is refused. The iteration throws the reason of
   *   an aborted signal, and ERR_TUNVS_CLOSED when the director is closed meanwhile.
   */
  connections(options: ConnectionsOptions = {}): AsyncGenerator<Connection, void, undefined> {
    this.#engine.assertOpen();
    return connections(options, (cursor, limit) => this.#engine.call((native) => native.connections(cursor, limit)));
  }

  /** Returns a piece of the connection table: from `cursor` on, about `limit` connections. @internal */
  connectionPiece(options: ConnectionsOptions, from: { cursor: number; limit: number }) {
    return connectionPiece(options, from, (cursor, limit) =>
      this.#engine.call((native) => native.connections(cursor, limit)),
    );
  }

  /**
   * Says which real server a packet would get now, and by which rule. Asking changes nothing.
   *
   * @param packet - A packet that begins with its IP header, or the flow that it belongs to.
   * @param options - `mark` is the firewall mark of the device that the packet comes from, [0, 2^32 - 1]. The default
   *   is 0, which stands for the main device.
   * @throws {@link TunvsError} ERR_TUNVS_INVALID_ARGUMENT when the flow or the mark is refused.
   * @example
   * ```ts
   * import { Director } from 'tunvs';
   *
   * const director = Director.offline({ source: '10.2.0.2' });
   * const service = director.addVirtualService({ protocol: 'tcp', address: '192.0.2.1', port: 80 });
   * service.addRealServer({ address: '10.3.0.11' });
   * const flow = { clientAddress: '198.51.100.7', clientPort: 40000, virtualAddress: '192.0.2.1', virtualPort: 80 };
   * console.log(director.explain({ protocol: 'tcp', ...flow }).realServer?.address); // 10.3.0.11
   * ```
   */
  explain(packet: Uint8Array | ExplainedFlow, options: { mark?: number } = {}): Explanation {
    const { bytes, mark } = explainedPacket(packet, options);
    return this.#engine.call((native) => {
      const said = native.explain(bytes, mark);
      const service = said.service && this.#configuration.virtualService(serviceIdentity(said.service));
      return explanation(said, service?.scheduler, service?.policy);
    });
  }

  /**
   * Leads the packets of a flow of this host's own to a real server, whatever the server's state: down, draining, of
   * weight 0, or deleted a while ago. The flow counts for no scheduler, threshold, statistic or drain, and is in no list
   * of connections.
   *
   * @throws {@link TunvsError} ERR_TUNVS_EXISTS when the flow is pinned or has a connection: use another source port;
   *   ERR_TUNVS_LIMIT when 16,384 flows are pinned; ERR_TUNVS_NOT_FOUND when the server is not known any more.
   * @internal
   */
  pin(flow: PinnedFlow, server: RealServer, options: PinOptions): Pin {
    return pinFlow(this.#engine, this.#configuration, flow, server, options);
  }

  /** The three timeouts that ipvsadm's `--set` changes, in seconds. */
  get timeouts(): Timeouts {
    return this.#settings.timeouts;
  }

  /** The timeouts of every state, in seconds. A service may have its own in their place. */
  get stateTimeouts(): Required<StateTimeouts> {
    return this.#settings.stateTimeouts;
  }

  /**
   * Sets timeouts by ipvsadm's names or by those of states. A connection takes its new timeout with its next packet.
   *
   * @param timeouts - Seconds, [0, 2678400]. A timeout that is left out or 0 stays as it is.
   * @throws {@link TunvsError} ERR_TUNVS_INVALID_ARGUMENT when a name is unknown or a value is out of its range.
   * @example
   * ```ts
   * import { Director } from 'tunvs';
   *
   * const director = Director.offline({ source: '10.2.0.2' });
   * director.setTimeouts({ tcp: 3600, synRecv: 30 });
   * console.log(director.timeouts.tcp, director.stateTimeouts.established); // 3600 3600
   * ```
   */
  setTimeouts(timeouts: Partial<Timeouts> & StateTimeouts): void {
    this.#settings.setTimeouts(timeouts);
  }

  /**
   * The sysctls by their names, without `net.ipv4.vs.`. An automatic defence (`drop_entry`, `drop_packet` or
   * `secure_tcp` in mode 1 or 2) reads 2 while it is on and 1 while it is off.
   */
  get sysctls(): Record<string, number> {
    return this.#settings.sysctls;
  }

  /**
   * Sets a sysctl of IPVS. A sysctl that has no effect here is kept, and a `warning` event says why.
   *
   * @param name - The sysctl's name, with or without `net.ipv4.vs.` in front.
   * @throws {@link TunvsError} ERR_TUNVS_INVALID_ARGUMENT when the name is unknown or the value is out of its range.
   */
  setSysctl(name: string, value: number): void {
    this.#settings.setSysctl(name, value);
  }

  /**
   * Begins a role of connection sync: as a master the director tells its backups of connections, as a backup it takes
   * what a master tells, from directors of this package and from Linux's IPVS alike. Both may run at once. The sysctls
   * `sync_*` and `backup_only` say how; `sync_ports` and `sync_sock_size` hold for roles that begin after they were set.
   *
   * Messages are neither signed nor encrypted: name an interface on which nobody else can send.
   *
   * @throws {@link TunvsError} ERR_TUNVS_INVALID_ARGUMENT when an option is refused, ERR_TUNVS_EXISTS when the role runs
   *   already, ERR_TUNVS_NO_DEVICE when there is no such interface, ERR_TUNVS_UNSUPPORTED when the director is offline,
   *   and ERR_TUNVS_SYSTEM or ERR_TUNVS_PERMISSION when a socket cannot be had.
   */
  startSync(options: SyncOptions): void {
    this.#engine.call(() => startSync(this.#sync, options));
  }

  /**
   * Ends a role of connection sync. The connections that a backup was told of stay, as this director's own.
   *
   * @throws {@link TunvsError} ERR_TUNVS_NOT_FOUND when the role does not run.
   */
  stopSync(role: SyncRole): void {
    this.#engine.call(() => stopSync(this.#sync, role));
  }

  /** The roles of connection sync that run, and what they have counted. */
  get sync(): SyncState {
    return this.#engine.call(() => syncState(this.#sync));
  }

  /** Reads the CPU time that each worker thread has taken so far. The list is empty for an offline director. */
  workerCpu(): WorkerCpu[] {
    return this.#engine.call(() => this.#workerCpu().map(withJson));
  }

  /**
   * Counts the memory that the connection tables have taken, and how much of it lies in huge pages. The kernel takes some
   * milliseconds to count, so this is for a screen, and not for each packet or second of many directors.
   *
   * @throws {@link TunvsError} ERR_TUNVS_SYSTEM when /proc cannot be read.
   */
  tablePages(): TablePages {
    return this.#engine.call((native) => native.tablePages());
  }

  /**
   * Makes the director's host a client of these virtual addresses as well, as checks are, until the hold is released.
   * It does nothing where the host is not set up by this director. @internal
   */
  holdOwnClients(virtualAddresses: readonly string[]): OwnClientsHold {
    this.#engine.assertOpen();
    return holdOwnClients(this.#host, virtualAddresses, () => this.#closed !== undefined);
  }

  /** How many events of each type there were since the director was opened. @internal */
  get eventCounts(): Readonly<Record<EngineEventType, number>> {
    return this.#news.eventCounts;
  }

  /**
   * Says of each worker thread whether it has begun a turn since the call before, and asks each for another, which takes
   * a worker that moves some milliseconds even if it sleeps. A watchdog calls this about once in the time that it
   * allows. The list is empty for an offline director.
   */
  workersTurned(): boolean[] {
    return this.#engine.call(() => this.#workersTurned());
  }

  /**
   * Looks at the host now and puts back whatever is missing of what the director set up, even what it has left alone
   * because somebody took it away too often. Nobody has to call this, because the director watches the host.
   *
   * @returns How many things it put back.
   * @throws {@link TunvsError} ERR_TUNVS_HOST when the host cannot be read.
   */
  async mendHost(): Promise<number> {
    this.#engine.assertOpen();
    return (await this.#keeping?.keeper.mend()) ?? 0;
  }

  /**
   * Stops the workers, gives the device back and undoes the host's set-up. A second call does no harm.
   *
   * @throws {@link TunvsError} ERR_TUNVS_HOST when something on the host could not be undone. The director is closed
   *   all the same.
   */
  close(): Promise<void> {
    if (this.#closed === undefined) {
      let settle = (_: Promise<void>): void => {};
      // The promise is kept before anybody hears of the closing, because a listener may call close() again.
      this.#closed = new Promise((resolve) => {
        settle = resolve;
      });
      settle(this.#close());
    }
    return this.#closed;
  }

  /**
   * Begins to direct in the place of the director that runs, if this one was opened with `takeover` and there was one.
   * Until then packets wait in the devices, some thousands for each queue, so it is to be called as soon as the services
   * are there. A second call does nothing.
   *
   * @returns A promise that resolves when the other director has closed.
   * @throws {@link TunvsError} ERR_TUNVS_SYSTEM when a worker cannot begin.
   */
  async completeTakeover(): Promise<void> {
    const taking = this.#taking;
    this.#taking = undefined;
    await taking?.complete();
    for (const tell of this.#awaiting.splice(0)) tell();
  }

  /** Calls it at once, or, where this director is taking the place of another, when that is complete. @internal */
  whenComplete(tell: () => void): void {
    if (this.#taking === undefined) tell();
    else this.#awaiting.push(tell);
  }

  /** Closes the director at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Returns the configuration for JSON.stringify(): the device's name, the sources and the virtual services. */
  toJSON(): object {
    return directorJson(this);
  }

  /** @internal */
  [inspect.custom](depth: number, options: InspectOptions): string {
    return inspected(this.constructor.name, () => directorView(this), depth, options);
  }

  /** The workers have ended for the process that takes this director's place, and packets wait for it. */
  #stopForAnother(): void {
    this.#handedOver = new Promise((resolve) => {
      this.#endHandOver = resolve;
    });
    this.close().catch((error: TunvsError) => this.#news.fail(error));
  }

  /** What this director holds on the host is the other's by now. */
  async #endForAnother(pid: number): Promise<void> {
    this.#endHandOver();
    this.#news.handedOver(pid);
    // Its failure is told where it began.
    await this.#closed?.catch(() => {});
  }

  async #close(): Promise<void> {
    this.#taking?.abandon();
    this.#taking = undefined;
    this.#engine.end();
    this.#ending.abort();
    this.#cancelAtExit();
    this.#watches.close();
    this.#configuration.policies.stop();
    this.#pulse.stop();
    this.#keeping?.keeper.close();
    if (this.#handedOver !== undefined) {
      this.#news.closed();
      await this.#handedOver;
    }
    this.#giver?.close();
    const failures: unknown[] = this.#host?.close() ?? [];
    try {
      this.#engine.close();
    } catch (error) {
      failures.push(error);
    }
    if (this.#handedOver === undefined) this.#news.closed();
    if (failures.length > 0) throw notAllUndone(failures);
  }
}
