/** A virtual service: the protocol, address and port that clients see, and the real servers behind it. */
import { inspect, type InspectOptions } from 'node:util';
import type { ConfigurationStep, ServerOwner, ServiceOwner } from './owners.js';
import { TunvsError } from '../values/errors.js';
import type { NativeServiceRow } from '../native/rows.js';
import type { NativeServiceConfig, NativeServiceKey } from '../native/services.js';
import { readArguments, refuse } from '../values/options.js';
import type { PersistenceStats } from '../values/persistence.js';
import { Policy, type PolicyRunner, type ServicePolicy } from '../policy/policy.js';
import type { PolicyServer, PolicySubject } from '../policy/subject.js';
import type { AnyProtocol } from '../values/protocol.js';
import { RealServer as ServerHandle } from './real-server.js';
import type { Scheduler, SchedulerFlag } from '../values/scheduler.js';
import type { SchedulerOptions } from '../values/scheduler-options.js';
import { nativeCondition } from '../values/server-condition.js';
import { nativeServiceKey, type ServiceIdentity, serverPortOf, serviceName } from '../values/service-key.js';
import { type MidStream, midStreamOf, type SlowStart, slowStartOf } from '../values/service-behaviour.js';
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
import { inspected, serviceJson, serviceView } from './views.js';

/** A handle on a configured real server; made by {@link VirtualService.addRealServer}. */
export type RealServer = ServerHandle<VirtualService>;

let lastSerial = 0;

/**
 * A handle on a configured virtual service; made by {@link Director.addVirtualService}.
 *
 * Once the service is deleted, every call throws ERR_TUNVS_NOT_FOUND; once the director is closed, ERR_TUNVS_CLOSED.
 * Its name can always be read: `protocol`, `address`, `port`, `lastPort` and `mark`.
 */
export class VirtualService implements ServiceIdentity, ServerOwner, PolicySubject {
  /** 'ip', any, of a service by firewall mark. */
  readonly protocol: AnyProtocol;
  /** The virtual address (VIP) or a range of them, in its canonical spelling; '0.0.0.0' or '::', any, with a mark. */
  readonly address: string;
  /** The first of a range; 0: every port. */
  readonly port: number;
  /** Undefined unless it has a range of ports. */
  readonly lastPort: number | undefined;
  /** Its firewall mark, if it is named by one. */
  readonly mark: number | undefined;
  /** Orders services and servers by when they were added. @internal */
  readonly serial = ++lastSerial;
  /** @internal */
  readonly configuration: ServiceOwner;
  #config: NativeServiceConfig;
  #runner: PolicyRunner | undefined;
  readonly #servers = new Map<string, RealServer>();

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
    const { sourceRanges } = configuration.backing;
    const { key, config, policy } = checkedServiceOptions('addVirtualService', options, sourceRanges);
    const service = new VirtualService(configuration, key, config);
    service.#runner = service.#runnerOf('addVirtualService', policy);
    return service;
  }

  get scheduler(): Scheduler {
    this.assertConfigured();
    return this.#config.scheduler as Scheduler;
  }

  get schedulerFlags(): SchedulerFlag[] {
    this.assertConfigured();
    return [...this.#config.schedulerFlags] as SchedulerFlag[];
  }

  /** What was asked for; what is not there has the scheduler's default. */
  get schedulerOptions(): SchedulerOptions {
    this.assertConfigured();
    return { ...this.#config.schedulerOptions };
  }

  /** Undefined: a client's new connections may go anywhere. */
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

  /** What a packet from the middle of an unknown connection meets. */
  get midStream(): MidStream {
    this.assertConfigured();
    return midStreamOf(this.#config);
  }

  /** `seconds` 0: a new real server has its whole weight at once. */
  get slowStart(): SlowStart {
    this.assertConfigured();
    return slowStartOf(this.#config);
  }

  /** Whether UDP connections of a removed real server go to another one. */
  get rescheduleUdp(): boolean {
    this.assertConfigured();
    return this.#config.rescheduleUdp ?? false;
  }

  /** Its own; the states that are left out have the director's. */
  get timeouts(): StateTimeouts {
    this.assertConfigured();
    return { ...this.#config.timeouts };
  }

  /** What decides before the scheduler, and what it has counted; undefined when nothing does. */
  get policy(): ServicePolicy | undefined {
    this.assertConfigured();
    return this.#runner;
  }

  /** In the order of adding. */
  get realServers(): RealServer[] {
    this.assertConfigured();
    return [...this.#servers.values()].sort((a, b) => a.serial - b.serial);
  }

  /** The real server of this name; undefined when there is none. `port` defaults to that of {@link addRealServer}. */
  realServer(key: RealServerKey): RealServer | undefined {
    this.assertConfigured();
    return this.#servers.get(serverName(checkedServerKey('realServer', key, serverPortOf(this))));
  }

  /**
   * Adds a real server; new connections may go to it at once. One that was deleted less than two minutes ago comes
   * back with the connections and counters it had.
   *
   * @throws {@link TunvsError} ERR_TUNVS_EXISTS when the service has it already; ERR_TUNVS_INVALID_ARGUMENT.
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
      keepsRoutes: config.forwarding !== 'local',
      redo: () => this.#servers.set(name, server),
      undo: () => this.#servers.delete(name),
    });
    return server;
  }

  /** Options left out keep their values. Connections stay where they are. */
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
   * Deletes the service with its real servers. Packets of its connections are dropped from then on; the host's route
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

  stats(): VirtualServiceStats {
    return serviceStats(this.row());
  }

  toJSON(): object {
    return serviceJson(this);
  }

  /** @internal */
  [inspect.custom](depth: number, options: InspectOptions): string {
    return inspected(this, () => serviceView(this), depth, options);
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

  /** @internal */
  refreshPolicy(): boolean {
    return this.configuration.refreshPolicies();
  }

  /** Undefined keeps the policy that there is, null removes it. */
  #runnerOf(call: string, policy: Policy | null | undefined): PolicyRunner | undefined {
    if (policy === null) return undefined;
    if (policy === undefined || policy === this.#runner?.policy) return this.#runner;
    return readArguments(call, () => {
      if (!(policy instanceof Policy))
        return refuse(
          `${call}: policy`,
          policy,
          'a policy made by tablePolicy(), weightsPolicy() or connectionPolicy(), or null for none',
        );
      return policy.runFor(this, this.configuration.policies.backing);
    });
  }

  /** @internal */
  row(): NativeServiceRow {
    this.assertConfigured();
    const row = this.configuration.backing.serviceRow(this.nativeKey);
    if (row === undefined) {
      throw new TunvsError(
        'ERR_TUNVS_NOT_FOUND',
        `${serviceName(this)} is not in force yet: read its stats when the transaction is done`,
      );
    }
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
