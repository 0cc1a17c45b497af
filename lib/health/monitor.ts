/** Checks real servers, and keeps those that fail from new connections. */
import { EventEmitter } from 'node:events';
import type { Director } from '../director/director.js';
import type { RealServerEvent, RoleEvent, VirtualServiceEvent } from '../director/events.js';
import type { RealServer, VirtualService } from '../director/virtual-service.js';
import { unhindered } from '../host/unhindered.js';
import { TunvsError, toTunvsError } from '../values/errors.js';
import { checkedOptions, choiceOption, integerOption, refuse } from '../values/options.js';
import type { Surroundings } from './checked-server.js';
import { Changes } from './changes.js';
import { CheckedService, type News } from './checked-service.js';
import type { HealthEvents, ServerHealth, ServiceHealth } from './events.js';
import { asksVirtualAddress, checkedHealthOptions, type ServerRules, type ServiceRules } from './health-options.js';
import type { MonitorParts } from './monitor-parts.js';
import { Notifier } from './notify/notifier.js';
import { checkedNotifications } from './notify/checked.js';
import { type HealthOptions, type MonitorOptions, onStandbyChoices } from './options.js';
import { Observer } from './observer.js';
import { OwnFaults } from './own-faults.js';
import { Prober } from './prober.js';
import { serverHealth, serviceHealth } from './views.js';
import { usualAtOnce } from './usual-at-once.js';
import { lacksVirtualAddress } from './way/target.js';
import { Wheel } from './wheel.js';

/**
 * A monitor checks the real servers of virtual services and keeps those that fail from new connections.
 * {@link monitorHealth} makes it.
 *
 * It follows the director: servers that are added are checked, and those that are deleted are checked no more. All that
 * has changed in one turn of the event loop comes into force at one moment. It is an `EventEmitter` of
 * {@link HealthEvents}.
 *
 * @example
 * ```ts
 * import { Director } from 'tunvs';
 * import { type HealthMonitor, monitorHealth, tcpCheck } from 'tunvs/health';
 *
 * const director = Director.offline({ source: '10.2.0.2', maxConnections: 1024 });
 * const service = director.addVirtualService({ protocol: 'tcp', address: '192.0.2.1', port: 80 });
 * const server = service.addRealServer({ address: '10.3.0.11' });
 * const monitor: HealthMonitor = monitorHealth(director);
 * monitor.on('quorum', ({ isUp, weight }) => console.log(isUp ? 'up' : 'down', weight));
 * monitor.watch(service, { checks: [tcpCheck()] });
 * console.log(monitor.of(server)?.state, monitor.checks); // starting 1
 * await monitor.close();
 * await director.close();
 * ```
 */
export class HealthMonitor extends EventEmitter<HealthEvents> {
  readonly #director: Director;
  readonly #parts: MonitorParts;
  readonly #wheel: Wheel;
  readonly #prober: Prober;
  readonly #notifier: Notifier;
  readonly #observer: Observer;
  readonly #services = new Map<VirtualService, CheckedService>();
  readonly #changes: Changes;
  readonly #tell = unhindered((tell: () => void) => tell());
  #isPrepared = true;
  #isResting = false;
  /** The director takes the place of another: whoever asked servers through it would wait in vain. */
  #isTooEarly = true;
  /** What is to rest beyond that. */
  readonly #restingServices = new Set<VirtualService>();
  #closed: Promise<void> | undefined;

  /** Use {@link monitorHealth}. @internal */
  constructor(director: Director, options: MonitorOptions, parts: MonitorParts) {
    super();
    const { atOnce, notify, onStandby } = checkedOptions('monitorHealth', options, ['atOnce', 'notify', 'onStandby']);
    const { clock, random } = parts;
    this.#director = director;
    this.#parts = parts;
    this.#wheel = new Wheel(
      clock,
      random,
      integerOption('monitorHealth: atOnce', atOnce, 1, 65_536, usualAtOnce()),
      (event) => this.#tell(() => this.emit('late', event)),
    );
    const ownFaults = new OwnFaults(clock, (event) => this.#tell(() => this.emit('ownFault', event)));
    this.#prober = new Prober({ clock, wheel: this.#wheel, reach: parts.reaching.reach, ownFaults });
    this.#notifier = new Notifier(checkedNotifications('monitorHealth: notify', notify), parts, (event) =>
      this.#tell(() => this.emit('notifyFailed', event)),
    );
    this.#changes = new Changes(director, clock, this.#wheel.agenda, {
      prepare: () => this.#prepareOnce(),
      announce: (watched, news) => this.#announce(watched, news),
      failed: (error) => this.#tell(() => this.emit('applyFailed', error)),
    });
    this.#observer = new Observer(this.#wheel.agenda, clock, parts.signals);
    director.on('realServer', this.#onServer);
    director.on('virtualService', this.#onService);
    director.once('close', this.#onClose);
    director.whenComplete(() => this.#begin());
    if (choiceOption('monitorHealth: onStandby', onStandby, onStandbyChoices, 'run') === 'run') return;
    director.on('role', this.#onRole);
    this.#isResting = director.role === 'standby';
  }

  /** The services that are watched. */
  get services(): VirtualService[] {
    return [...this.#services.keys()];
  }

  /** How many checks go on: equal ones of several services are one. */
  get checks(): number {
    return this.#prober.size;
  }

  /**
   * Checks the service's servers from now on. A second call puts other options into force: what is the same goes on
   * with all that it knows, and a server that is down stays so until its new checks have passed.
   *
   * @throws {@link TunvsError} ERR_TUNVS_INVALID_ARGUMENT when an option is refused; nothing has changed then.
   */
  watch(service: VirtualService, options: HealthOptions): void {
    this.#assertOpen();
    service.assertConfigured();
    const rules = checkedHealthOptions(options);
    // A mistake in what forServer() answers shows before anything has changed.
    const ofServers = service.realServers.flatMap((server) => rules.rulesFor(server) ?? []);
    this.#assertAddress(service, rules, ofServers.length > 0 ? ofServers : [rules.server]);
    const watched = this.#services.get(service);
    this.#isPrepared = false;
    if (watched) watched.become(rules);
    else this.#services.set(service, new CheckedService(service, rules, this.#rests, this.#surroundings(service)));
    this.#observer.follow(this.#services.get(service) as CheckedService);
    this.#changes.add(this.#services.get(service) as CheckedService);
    // A server that begins as down gets no connection before its first check.
    this.#changes.flush();
    if (!service.configuration.isInTransaction) return;
    // The transaction may be taken back, with what health has said in it.
    for (const server of service.realServers) this.#services.get(service)?.touch(server);
    this.#changes.add(this.#services.get(service) as CheckedService);
  }

  /** Checks the service no more, and takes back what health has said: its servers count as up. */
  unwatch(service: VirtualService): void {
    this.#assertOpen();
    const watched = this.#drop(service);
    if (watched === undefined || !service.configuration.isConfigured(service)) return;
    service.applyQuorum(undefined);
    this.#changes.apply([[service, new Map(service.realServers.map((server) => [server, undefined]))]]);
  }

  /** Returns what is known of the service or server; undefined when it is not watched. */
  of(subject: VirtualService): ServiceHealth | undefined;
  of(subject: RealServer): ServerHealth | undefined;
  of(subject: VirtualService | RealServer): ServiceHealth | ServerHealth | undefined {
    const seen = { clock: this.#parts.clock, wheel: this.#wheel };
    if ('service' in subject) {
      const watched = this.#services.get(subject.service);
      return watched?.servers.has(subject) ? serverHealth(watched, subject, seen) : undefined;
    }
    const watched = this.#services.get(subject);
    return watched && serviceHealth(watched, seen);
  }

  /** Asks the server at once, by all of its checks. */
  checkNow(server: RealServer): void {
    this.#assertOpen();
    this.#services.get(server.service)?.servers.get(server)?.hurry();
  }

  /**
   * Stops checking until {@link HealthMonitor.resume}, as on a standby: one service, or all, with those that are watched
   * from then on. Every server stays as it is.
   */
  rest(one?: VirtualService): void {
    if (one) {
      if (this.#isTooEarly) this.#restingServices.add(one);
      this.#services.get(one)?.rest();
      return;
    }
    this.#isResting = true;
    for (const service of this.#services.values()) service.rest();
  }

  /** Checks again, one service or all; the first checks are spread as at the start. */
  resume(one?: VirtualService): void {
    this.#assertOpen();
    if (one) {
      this.#restingServices.delete(one);
      if (!this.#isTooEarly) this.#services.get(one)?.resume();
      return;
    }
    this.#isResting = false;
    this.#restingServices.clear();
    if (this.#isTooEarly) return;
    for (const service of this.#services.values()) service.resume();
  }

  #begin(): void {
    this.#isTooEarly = false;
    if (this.#isResting || this.#closed !== undefined) return;
    for (const [service, checked] of this.#services) if (!this.#restingServices.has(service)) checked.resume();
    this.#restingServices.clear();
  }

  get #rests(): boolean {
    return this.#isResting || this.#isTooEarly;
  }

  /**
   * Stops checking, and resolves when what there was to notify is done. Servers stay as they are: those that are down
   * get no connections until another monitor, or unwatch() before this call, says otherwise. With `omega` the commands
   * for going down run. A second call does no harm.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** Closes the monitor at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Returns what is known of all services for JSON.stringify(). */
  toJSON(): object {
    return { services: this.services.map((service) => this.of(service)) };
  }

  async #close(): Promise<void> {
    this.#director.off('realServer', this.#onServer);
    this.#director.off('virtualService', this.#onService);
    this.#director.off('close', this.#onClose);
    this.#director.off('role', this.#onRole);
    for (const service of this.#services.values()) if (service.rules.omega) this.#notifier.omega(service);
    for (const service of this.services) this.#drop(service);
    this.#changes.close();
    this.#wheel.close();
    this.#parts.reaching.close();
    this.#observer.close();
    await this.#notifier.close();
  }

  readonly #onClose = (): void => void this.close();

  readonly #onRole = ({ role }: RoleEvent): void => {
    if (role === 'standby') this.rest();
    else this.resume();
  };

  readonly #onService = ({ change, service }: VirtualServiceEvent): void => {
    if (change === 'deleted') this.#drop(service);
  };

  readonly #onServer = ({ change, service, server }: RealServerEvent): void => {
    const watched = this.#services.get(service);
    // Health itself only edits; what a listener adds, deletes or edits meanwhile counts.
    if (watched === undefined || (change === 'edited' && this.#changes.takeOwn(server))) return;
    if (change !== 'edited') this.#isPrepared = false;
    if (change === 'deleted') watched.drop(server);
    else if (change === 'added') return this.#takeNew(watched);
    else if (service.isConfigured(server)) this.#take(watched, server);
    this.#changes.add(watched);
  };

  /** Takes all that are new: a transaction may have added many. One that begins as down is so within this turn. */
  #takeNew(watched: CheckedService): void {
    const { servers, service } = watched;
    if (!service.configuration.isConfigured(service)) return;
    const added = service.realServers.filter((server) => !servers.has(server));
    if (added.length === 0) return;
    for (const server of added) this.#take(watched, server);
    this.#changes.add(watched);
    if (this.#changes.isApplying) return;
    if (added.some((server) => servers.get(server)?.passes === false)) this.#changes.flush();
  }

  /** What forServer() throws for a server that has come is told, and the server is checked as the service says. */
  #take(watched: CheckedService, server: RealServer): void {
    try {
      watched.take(server);
    } catch (error) {
      this.#tell(() => {
        throw error;
      });
    }
  }

  /** @throws {@link TunvsError} when nobody says which virtual address these rules ask. */
  #assertAddress(service: VirtualService, { virtualAddress }: ServiceRules, all: readonly ServerRules[]): void {
    const isAsked = all.some(({ checks }) => checks.some(asksVirtualAddress));
    if (!isAsked || virtualAddress !== undefined || !lacksVirtualAddress(service, this.#director.marks)) return;
    const mend = `the mark ${service.mark} has no rule with a destination; with via 'address' none is needed`;
    refuse('watch: virtualAddress', virtualAddress, 'the virtual address that is checked', mend);
  }

  /** What the host needs for checks changes with the services and servers that are checked. */
  #prepareOnce(): void {
    if (this.#isPrepared) return;
    this.#isPrepared = true;
    const servers = new Map<RealServer, { virtualAddress: string | undefined }>();
    for (const { servers: each, rules, service } of this.#services.values())
      for (const [server, checked] of each)
        if (checked?.needsVip && service.isConfigured(server)) servers.set(server, rules);
    try {
      this.#parts.reaching.prepare(servers);
      const odd = () => (this.#closed === undefined ? this.#parts.reaching.warnings(servers.keys()) : []);
      for (const message of odd()) this.#director.warnOfHost(message, () => odd().includes(message));
    } catch (error) {
      // Each check says it for its own server.
      this.#tell(() => this.emit('applyFailed', toTunvsError(error)));
    }
  }

  #drop(service: VirtualService): CheckedService | undefined {
    const watched = this.#services.get(service);
    if (watched === undefined) return undefined;
    this.#observer.leave(watched);
    watched.leave();
    this.#services.delete(service);
    this.#isPrepared = false;
    this.#changes.forget(watched);
    return watched;
  }

  #surroundings(service: VirtualService): Surroundings {
    return {
      clock: this.#parts.clock,
      wheel: this.#wheel,
      prober: this.#prober,
      changed: ({ server }) => {
        const watched = this.#services.get(service);
        if (watched === undefined) return;
        watched.touch(server);
        this.#changes.add(watched);
      },
      warned: ({ server }, check, message) => {
        const at = this.#parts.clock.timeMs();
        this.#tell(() => this.emit('warning', { service, server, check, message, at }));
      },
    };
  }

  #announce(watched: CheckedService, news: News): void {
    this.#notifier.take(watched, news);
    this.#tell(() => {
      if (news.name === 'server') this.emit('server', news.event);
      else if (news.name === 'quorum') this.emit('quorum', news.event);
      else this.emit('failOpen', news.event);
    });
  }

  #assertOpen(): void {
    if (this.#closed === undefined) return;
    throw new TunvsError('ERR_TUNVS_CLOSED', 'the health monitor is closed: make another by monitorHealth()');
  }
}
