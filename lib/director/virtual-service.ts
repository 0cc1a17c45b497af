/** A virtual service: the protocol, address and port that clients see, and the real servers behind it. */
import { inspect, type InspectOptions } from 'node:util';
import { applyHealth } from './apply-health.js';
import type { ConfigurationStep, ServerOwner, ServiceOwner } from './owners.js';
import { TunvsError } from '../values/errors.js';
import type { NativeServiceRow } from '../native/rows.js';
import type { NativeServiceConfig, NativeServiceKey } from '../native/services.js';
import type { HealthCondition } from '../values/health-condition.js';
import type { PersistenceStats } from '../values/persistence.js';
import type { Policy, PolicyRunner, ServicePolicy } from '../policy/policy.js';
import type { PolicyServer, PolicySubject } from '../policy/subject.js';
import type { AnyProtocol } from '../values/protocol.js';
import { notInForce } from './not-in-force.js';
import { policyRunner } from './policy-runner.js';
import { RealServer as ServerHandle } from './real-server.js';
import { isRoutedMethod } from './routed-methods.js';
import type { Scheduler, SchedulerFlag } from '../values/scheduler.js';
import type { SchedulerOptions } from '../values/scheduler-options.js';
import { nativeCondition } from '../values/server-condition.js';
import { nativeServiceKey, type ServiceIdentity, serverPortOf, serviceName } from '../values/service-key.js';
import {
  type Announce,
  announceOf,
  type MidStream,
  midStreamOf,
  type SlowStart,
  slowStartOf,
} from '../values/service-behaviour.js';
import {
  checkedServerKey,
  checkedServerOptions,
  type RealServerKey,
  type RealServerOptions,
  type ServerSurroundings,
  serverName,
} from '../values/server-options.js';
import {
  checkedServiceEdit,
  checkedServiceOptions,
  type VirtualServiceEdit,
  type VirtualServiceOptions,
} from './service-options.js';
import { serviceStats, type VirtualServiceStats } from '../stats/stats.js';
import type { StateTimeouts } from '../values/timeouts.js';
import { inspected } from '../values/handle-view.js';
import { serviceJson, serviceView } from './views.js';

/**
 * A handle on a configured real server; {@link VirtualService.addRealServer} makes it.
 *
 * Once the server or its service is deleted, every call throws ERR_TUNVS_NOT_FOUND, even when a server of the same name
 * is added later. Once the director is closed, every call throws ERR_TUNVS_CLOSED. `service`, `address` and `port` can
 * always be read.
 *
 * @example
 * ```ts
 * import { Director } from 'tunvs';
 *
 * const director = Director.offline({ source: '10.2.0.2' });
 * const service = director.addVirtualService({ protocol: 'tcp', address: '192.0.2.1', port: 80 });
 * const server = service.addRealServer({ address: '10.3.0.11', weight: 2 });
 * server.weight = 3;
 * server.isUp = false;
 * console.log(server.weight, server.stats().effectiveWeight); // 3 0
 * ```
 */
export interface RealServer extends ServerHandle<VirtualService> {}

let lastSerial = 0;

/**
 * A handle on a configured virtual service; {@link Director.addVirtualService} makes it.
 *
 * Once the service is deleted, every call throws ERR_TUNVS_NOT_FOUND. Once the director is closed, every call throws
 * ERR_TUNVS_CLOSED. The service's name can always be read: `protocol`, `address`, `port`, `lastPort` and `mark`.
 *
 * @example
 * ```ts
 * import { Director } from 'tunvs';
 *
 * const director = Director.offline({ source: '10.2.0.2' });
 * const service = director.addVirtualService({ protocol: 'tcp', address: '192.0.2.1', port: 80 });
 * service.addRealServer({ address: '10.3.0.11' });
 * service.edit({ scheduler: 'wrr' });
 * console.log(service.scheduler, service.stats().servers.length); // wrr 1
 * service.delete();
 * ```
 */
export class VirtualService implements ServiceIdentity, ServerOwner, PolicySubject {
  /** The transport protocol. It is 'ip', which stands for any, when the service is named by a firewall mark. */
  readonly protocol: AnyProtocol;
  /**
   * The virtual address (VIP) or a range of them, in its canonical spelling. It is '0.0.0.0' or '::', which stand for
   * any, when the service is named by a firewall mark.
   */
  readonly address: string;
  /** The virtual port, or the first of a range; 0 stands for every port. */
  readonly port: number;
  /** The last port of a range; it is undefined when the service has no range. */
  readonly lastPort: number | undefined;
  /** The firewall mark that names the service; it is undefined when address and port do. */
  readonly mark: number | undefined;
  /** Orders services and servers by when they were added. @internal */
  readonly serial = ++lastSerial;
  /** @internal */
  readonly configuration: ServiceOwner;
  #config: NativeServiceConfig;
  #runner: PolicyRunner | undefined;
  readonly #servers = new Map<string, RealServer>();
  /** What health says; undefined where nobody checks the service. */
  #quorum: boolean | undefined;

  private constructor(configuration: ServiceOwner, key: ServiceIdentity, config: NativeServiceConfig) {
    this.configuration = configuration;
    this.protocol = key.protocol;
    this.address = key.address;
    this.port = key.port;
    this.lastPort = key.lastPort;
    this.mark = key.mark;
    this.#config = config;
  }

  /** Checked, not yet configured. @internal */
  static create(configuration: ServiceOwner, options: VirtualServiceOptions): VirtualService {
    const { sources } = configuration.backing;
    const { key, config, policy } = checkedServiceOptions('addVirtualService', options, sources);
    const service = new VirtualService(configuration, key, config);
    service.#runner = service.#runnerOf('addVirtualService', policy);
    return service;
  }

  /** The scheduler that chooses the real server of a new connection. */
  get scheduler(): Scheduler {
    this.assertConfigured();
    return this.#config.scheduler as Scheduler;
  }

  /** The scheduler's flags, each by its own name. */
  get schedulerFlags(): SchedulerFlag[] {
    this.assertConfigured();
    return [...this.#config.schedulerFlags] as SchedulerFlag[];
  }

  /** The scheduler's options that were asked for. The others have the scheduler's defaults. */
  get schedulerOptions(): SchedulerOptions {
    this.assertConfigured();
    return { ...this.#config.schedulerOptions };
  }

  /** The persistence that is in force; it is undefined when a client's new connections may go anywhere. */
  get persistence(): PersistenceStats | undefined {
    this.assertConfigured();
    const { persistence } = this.#config;
    return persistence && ({ ...persistence } as PersistenceStats);
  }

  /** Whether every UDP datagram is scheduled by itself. */
  get onePacket(): boolean {
    this.assertConfigured();
    return this.#config.onePacket ?? false;
  }

  /** What becomes of a packet from the middle of a connection that the director does not know. */
  get midStream(): MidStream {
    this.assertConfigured();
    return midStreamOf(this.#config);
  }

  /** How a new real server's weight rises. When `seconds` is 0, the server has its whole weight at once. */
  get slowStart(): SlowStart {
    this.assertConfigured();
    return slowStartOf(this.#config);
  }

  /** When the host has the route of the service's address. */
  get announce(): Announce {
    this.assertConfigured();
    return announceOf(this.#config);
  }

  /** Whether UDP connections of a removed real server go to another one. */
  get rescheduleUdp(): boolean {
    this.assertConfigured();
    return this.#config.rescheduleUdp ?? false;
  }

  /** The service's own timeouts, in seconds by state. The states that are left out have the director's timeouts. */
  get timeouts(): StateTimeouts {
    this.assertConfigured();
    return { ...this.#config.timeouts };
  }

  /** The policy that decides before the scheduler, with its counters; it is undefined when the service has none. */
  get policy(): ServicePolicy | undefined {
    this.assertConfigured();
    return this.#runner;
  }

  /** The real servers, in the order in which they were added. */
  get realServers(): RealServer[] {
    this.assertConfigured();
    return [...this.#servers.values()].sort((a, b) => a.serial - b.serial);
  }

  /**
   * Finds the real server of this name.
   *
   * @param key - `port` defaults to the service's one port, or to 0 when the service has several.
   * @returns The handle, or undefined when the service has no such server.
   * @throws {@link TunvsError} ERR_TUNVS_INVALID_ARGUMENT when `key` names no server.
   */
  realServer(key: RealServerKey): RealServer | undefined {
    this.assertConfigured();
    return this.#servers.get(serverName(checkedServerKey('realServer', key, serverPortOf(this))));
  }

  /**
   * Adds a real server. New connections may go to it at once. A server that was deleted less than two minutes ago comes
   * back with the connections and counters that it had.
   *
   * @returns The handle on the new real server.
   * @throws {@link TunvsError} ERR_TUNVS_EXISTS when the service has the server already, ERR_TUNVS_INVALID_ARGUMENT
   *   when an option is refused.
   */
  addRealServer(options: RealServerOptions): RealServer {
    this.assertConfigured();
    const { key, state } = checkedServerOptions('addRealServer', options, this.surroundings);
    const name = serverName(key);
    if (this.#servers.has(name)) {
      throw new TunvsError(
        'ERR_TUNVS_EXISTS',
        `${serviceName(this)} has the real server ${name} already: change it with edit(), or delete it first`,
      );
    }
    const server: RealServer = new ServerHandle(this, key, state);
    const { config } = state;
    const condition = nativeCondition(state.condition);
    this.configuration.changeServer('added', this, server, {
      operation: { op: 'addServer', service: this.nativeKey, server: key, config, condition },
      keepsRoutes: !isRoutedMethod(config.forwarding),
      redo: () => this.#servers.set(name, server),
      undo: () => this.#servers.delete(name),
    });
    return server;
  }

  /**
   * Changes the service. Options that are left out keep their values, and connections stay where they are.
   *
   * @throws {@link TunvsError} ERR_TUNVS_INVALID_ARGUMENT when an option is refused.
   */
  edit(options: VirtualServiceEdit): void {
    this.assertConfigured();
    const call = 'VirtualService.edit';
    const before = this.#config;
    const runnerBefore = this.#runner;
    const { config, policy } = checkedServiceEdit(call, options, before, this);
    const runner = this.#runnerOf(call, policy);
    const step: ConfigurationStep = {
      operation: { op: 'editService', service: this.nativeKey, config },
      keepsRoutes: true,
      redo: () => {
        this.#config = config;
        this.#runner = runner;
      },
      undo: () => {
        this.#config = before;
        this.#runner = runnerBefore;
      },
    };
    this.configuration.transaction(() => {
      this.configuration.changeService('edited', this, step);
      // What a policy assigned goes with the policy.
      if (runner !== runnerBefore) for (const server of this.#servers.values()) server.assignWeight(undefined);
    });
  }

  /**
   * Deletes the service with its real servers. Packets of its connections are dropped from then on. The host's route
   * goes with the last service of its address.
   */
  delete(): void {
    this.assertConfigured();
    this.configuration.deleteVirtualService(this);
  }

  /** Sets the counters of the service and of its real servers back to 0. */
  zero(): void {
    this.assertConfigured();
    this.configuration.change({ operation: { op: 'zero', service: this.nativeKey }, keepsRoutes: true });
  }

  /** Reads the statistics of the service and its real servers. */
  stats(): VirtualServiceStats {
    return serviceStats(this.row());
  }

  /** Returns the service's name, scheduler, policy and real servers for JSON.stringify(). */
  toJSON(): object {
    return serviceJson(this);
  }

  /** @internal */
  [inspect.custom](depth: number, options: InspectOptions): string {
    return inspected(this.constructor.name, () => serviceView(this), depth, options);
  }

  /** Returns what the service's real servers must fit. @internal */
  get surroundings(): ServerSurroundings {
    const { backing } = this.configuration;
    return {
      service: this,
      sourceFamilies: backing.sourceFamilies,
      isLocal: (address) => address === this.address || backing.isLocal(address),
    };
  }

  /** @internal */
  get nativeKey(): NativeServiceKey {
    return nativeServiceKey(this);
  }

  /** @internal */
  get nativeConfig(): NativeServiceConfig {
    return this.#config;
  }

  /** @internal */
  get hasLocalServer(): boolean {
    for (const server of this.#servers.values()) if (server.nativeConfig.forwarding === 'local') return true;
    return false;
  }

  /** @internal */
  get forwardedServers(): { address: string; port: number; forwarding: string }[] {
    return Array.from(this.#servers.values(), ({ address, port, nativeConfig: { forwarding } }) => ({
      ...{ address, port, forwarding },
    }));
  }

  /** @internal */
  get hasFullNatServer(): boolean {
    for (const { nativeConfig } of this.#servers.values()) if (nativeConfig.forwarding === 'snat') return true;
    return false;
  }

  /** @internal */
  get runner(): PolicyRunner | undefined {
    return this.#runner;
  }

  /** @internal */
  isDecidedBy(runner: object): boolean {
    return this.#runner === runner && this.configuration.isConfigured(this);
  }

  /** @internal */
  assignWeights(weights: Iterable<readonly [PolicyServer, number]>): number {
    return this.configuration.transaction(() => {
      let changed = 0;
      for (const [{ address, port }, weight] of weights)
        if (this.realServer({ address, port })?.assignWeight(weight)) changed += 1;
      return changed;
    });
  }

  /**
   * Says what health has found of these servers, all of it at one moment; undefined takes back what was said. Servers
   * that are left out stay as they are. Returns how many changed.
   *
   * @internal
   */
  applyHealth(changes: ReadonlyMap<RealServer, HealthCondition | undefined>): number {
    return applyHealth(this.configuration, changes);
  }

  /** Says whether the service has its quorum by health; undefined takes back what was said. @internal */
  applyQuorum(quorum: boolean | undefined): void {
    if (quorum === this.#quorum) return;
    this.#quorum = quorum;
    if (this.isAnnouncedByQuorum) this.configuration.followQuorum();
  }

  /** @internal */
  get isAnnouncedByQuorum(): boolean {
    return announceOf(this.#config) === 'when-up';
  }

  /** @internal */
  get hasQuorum(): boolean {
    if (this.#quorum !== undefined) return this.#quorum;
    for (const server of this.#servers.values()) if (server.takesConnections) return true;
    return false;
  }

  /** @internal */
  refreshPolicy(): boolean {
    return this.configuration.refreshPolicies();
  }

  #runnerOf(call: string, policy: Policy | null | undefined): PolicyRunner | undefined {
    return policyRunner(call, policy, this.#runner, this, this.configuration.policies.backing);
  }

  /** @internal */
  row(): NativeServiceRow {
    this.assertConfigured();
    const row = this.configuration.backing.serviceRow(this.nativeKey);
    if (row === undefined) throw notInForce(serviceName(this));
    return row;
  }

  /** @internal */
  isConfigured(server: RealServer): boolean {
    return this.configuration.isConfigured(this) && this.#servers.get(serverName(server)) === server;
  }

  /** @internal */
  forget(server: RealServer): void {
    this.#servers.delete(serverName(server));
  }

  /** @internal */
  remember(server: RealServer): void {
    this.#servers.set(serverName(server), server);
  }

  /** @internal */
  assertConfigured(): void {
    this.configuration.backing.assertOpen();
    if (!this.configuration.isConfigured(this)) {
      throw new TunvsError(
        'ERR_TUNVS_NOT_FOUND',
        `the virtual service ${serviceName(this)} of this handle was deleted: look it up again`,
      );
    }
  }
}
