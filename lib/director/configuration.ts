/**
 * The configured virtual services and real servers, and how a change to them comes into force: all of it or none, in
 * the native part, on the host and here.
 *
 * Invariant: between transactions `#services` and `#marks` are what the native part has, and `#routes` what the host
 * has.
 */
import { TunvsError, toTunvsError } from '../values/errors.js';
import type { NativeOperation } from '../native/operations.js';
import type { ConfigurationBacking } from './configuration-backing.js';
import type { ConfigurationEvent } from './events.js';
import type { Change, ConfigurationStep, ServiceOwner } from './owners.js';
import { checkedMarkRules, type MarkRule, nativeMarkRules } from '../values/marks.js';
import { refuse } from '../values/options.js';
import type { Role } from '../values/role.js';
import { Policies } from '../policy/policies.js';
import { checkedServiceKey, type ServiceIdentity, serviceName, type VirtualServiceKey } from '../values/service-key.js';
import { type RouteChange, RoutedPrefixes } from './routed-prefixes.js';
import { serverName } from '../values/server-options.js';
import { refuseMarkedSource } from './source-ranges.js';
import type { VirtualServiceOptions } from './service-options.js';
import { type RealServer, VirtualService } from './virtual-service.js';

/**
 * The argument of the function that {@link Director.transaction} calls. Changes to the services and servers that it
 * finds or makes belong to the transaction as well.
 */
export interface Transaction {
  /** See {@link Director.addVirtualService}. */
  addVirtualService(options: VirtualServiceOptions): VirtualService;
  /** See {@link Director.virtualService}. */
  virtualService(key: VirtualServiceKey | ServiceIdentity): VirtualService | undefined;
  /** See {@link Director.virtualServices}. */
  readonly virtualServices: VirtualService[];
  /** See {@link Director.deleteVirtualService}. */
  deleteVirtualService(key: VirtualServiceKey | ServiceIdentity): void;
  /** See {@link Director.marks}. */
  readonly marks: MarkRule[];
  /** See {@link Director.setMarks}. */
  setMarks(rules: readonly MarkRule[]): void;
  /** See {@link Director.clear}. */
  clear(): void;
  /** See {@link Director.zero}. */
  zero(): void;
}

/** A step with the change that listeners hear of. */
interface ConfigurationChange extends ConfigurationStep {
  events?: readonly ConfigurationEvent[];
}

export class Configuration implements Transaction, ServiceOwner {
  readonly backing: ConfigurationBacking;
  /** @internal */
  readonly policies: Policies;
  readonly #services = new Map<string, VirtualService>();
  #marks: readonly MarkRule[] = [];
  readonly #routes: RoutedPrefixes;
  /** The changes of the transaction that is open. */
  #open: ConfigurationChange[] | undefined;
  /** A table policy sees what is about to come into force, so changes that it makes now could not be part of it. */
  #isBeingAsked = false;

  constructor(backing: ConfigurationBacking) {
    this.backing = backing;
    this.policies = new Policies(backing.policies);
    this.#routes = new RoutedPrefixes({
      ...{ routes: backing.vipRoutes, knowledge: backing.natServers, take: backing.takePrefixes },
      ...{ role: backing.role ?? 'active', natSources: backing.natSources ?? [] },
      warn: (message) => backing.warnOfHost?.(message),
    });
  }

  get role(): Role {
    this.backing.assertOpen();
    return this.#routes.role;
  }

  get heldBack(): ReadonlySet<string> {
    this.backing.assertOpen();
    return this.#routes.heldBack;
  }

  /** Returns whether it was another. REQUIRES: no transaction is open. */
  setRole(role: Role): boolean {
    this.#assertChangeable();
    if (this.#open !== undefined)
      throw new TunvsError('ERR_TUNVS_BUSY', 'a role cannot change within a transaction: set it after that');
    if (role === this.#routes.role) return false;
    this.#routes.setRole(role, [...this.#services.values()], this.#marks);
    return true;
  }

  /** The quorum of a service has changed: routes of addresses that are announced by it follow. @internal */
  followQuorum(): void {
    // An open transaction does so when it comes into force.
    if (this.#open === undefined) this.#follow([...this.#services.values()]);
  }

  /** In the order of adding. */
  get virtualServices(): VirtualService[] {
    this.backing.assertOpen();
    return [...this.#services.values()].sort((a, b) => a.serial - b.serial);
  }

  virtualService(key: VirtualServiceKey | ServiceIdentity): VirtualService | undefined {
    this.backing.assertOpen();
    return this.#services.get(serviceName(checkedServiceKey('virtualService', key)));
  }

  addVirtualService(options: VirtualServiceOptions): VirtualService {
    this.backing.assertOpen();
    const service = VirtualService.create(this, options);
    const name = serviceName(service);
    if (this.#services.has(name)) {
      throw new TunvsError(
        'ERR_TUNVS_EXISTS',
        `the virtual service ${name} is configured already: change it with edit(), or delete it first`,
      );
    }
    this.changeService('added', service, {
      operation: { op: 'addService', service: service.nativeKey, config: service.nativeConfig },
      redo: () => this.#services.set(name, service),
      undo: () => this.#services.delete(name),
    });
    return service;
  }

  deleteVirtualService(key: VirtualServiceKey | ServiceIdentity): void {
    const service = this.virtualService(key);
    if (service === undefined) {
      const name = serviceName(checkedServiceKey('deleteVirtualService', key));
      throw new TunvsError(
        'ERR_TUNVS_NOT_FOUND',
        `there is no virtual service ${name} to delete: see virtualServices for those that there are`,
      );
    }
    const name = serviceName(service);
    this.changeService('deleted', service, {
      operation: { op: 'deleteService', service: service.nativeKey },
      redo: () => this.#services.delete(name),
      undo: () => this.#services.set(name, service),
    });
  }

  clear(): void {
    const services = this.virtualServices;
    this.change({
      operation: { op: 'clear' },
      redo: () => this.#services.clear(),
      undo: () => {
        for (const service of services) this.#services.set(serviceName(service), service);
      },
      events: services.map((service) => ({ name: 'virtualService', event: { change: 'deleted', service } })),
    });
  }

  get marks(): MarkRule[] {
    this.backing.assertOpen();
    return this.#marks.map((rule) => ({ ...rule }));
  }

  setMarks(rules: readonly MarkRule[]): void {
    const checked = checkedMarkRules('setMarks', rules);
    refuseMarkedSource('setMarks', checked, this.backing.sources);
    const before = this.#marks;
    this.change({
      operation: { op: 'setMarks', rules: nativeMarkRules(checked) },
      redo: () => {
        this.#marks = checked;
      },
      undo: () => {
        this.#marks = before;
      },
    });
  }

  zero(): void {
    this.change({ operation: { op: 'zero' }, keepsRoutes: true });
  }

  /**
   * Edits the real servers whose address has become, or has ceased to be, the host's own. Each result is a sentence and
   * the error that prevented the edit, if any. REQUIRES: no transaction is open. @internal
   */
  moveServers(): { said: string; error?: Error }[] {
    return this.virtualServices
      .flatMap((service) => service.realServers)
      .filter((server) => server.isMisplaced)
      .map((server) => {
        const now = server.isLocal ? 'no longer' : 'now';
        const said = `${serverName(server)} of ${serviceName(server.service)} is ${now} an address of this host`;
        try {
          server.edit({});
          return { said };
        } catch (error) {
          return { said, error: error as Error };
        }
      });
  }

  /** Brings policies into force that want to be told anew; `false` within a transaction. @internal */
  refreshPolicies(): boolean {
    const isDone = !this.isInTransaction;
    this.transaction(() => {});
    return isDone;
  }

  isConfigured(service: VirtualService): boolean {
    return this.#services.get(serviceName(service)) === service;
  }

  changeService(change: Change, service: VirtualService, step: ConfigurationStep): void {
    this.change({ ...step, events: [{ name: 'virtualService', event: { change, service } }] });
  }

  changeServer(change: Change, service: VirtualService, server: RealServer, step: ConfigurationStep): void {
    this.change({ ...step, events: [{ name: 'realServer', event: { change, service, server } }] });
  }

  get isInTransaction(): boolean {
    return this.#open !== undefined;
  }

  /** Puts one change into force, or adds it to the open transaction. */
  change(change: ConfigurationChange): void {
    this.#assertChangeable();
    change.redo?.();
    if (this.#open) {
      this.#open.push(change);
      return;
    }
    try {
      this.#commit([change]);
    } catch (error) {
      change.undo?.();
      throw error;
    }
    this.#tell([change]);
  }

  /** A transaction inside another takes back its own part when it fails, and comes into force with the outer one. */
  transaction<T>(body: (transaction: Transaction) => T): T {
    this.#assertChangeable();
    const isOuter = this.#open === undefined;
    this.#open ??= [];
    const changes = this.#open;
    const start = changes.length;
    let result: T;
    try {
      result = body(this);
      if (isThenable(result))
        refuse('transaction: change', result, 'a function that returns no promise, because a transaction cannot wait');
      if (isOuter) this.#commit(changes);
    } catch (error) {
      for (const change of changes.splice(start).reverse()) change.undo?.();
      throw error;
    } finally {
      if (isOuter) this.#open = undefined;
    }
    if (isOuter) this.#tell(changes);
    return result;
  }

  #commit(changes: ConfigurationChange[]): void {
    const services = [...this.#services.values()];
    const policies = this.#policyOperations(services);
    if (changes.length + policies.length === 0) return this.#follow(services);
    const keepsRoutes = changes.every((change) => change.keepsRoutes);
    let routes: RouteChange | undefined;
    try {
      if (!keepsRoutes) routes = this.#routes.begin(services, this.#marks);
      this.backing.apply([...changes.map((change) => change.operation), ...policies]);
    } catch (error) {
      routes?.undo();
      throw toTunvsError(error);
    }
    this.policies.inForce(services);
    routes?.done();
    if (keepsRoutes) this.#follow(services);
  }

  /** What keeps the routes by itself may change who has a quorum. */
  #follow(services: readonly VirtualService[]): void {
    if (this.#routes.dependsOnQuorum(services)) this.#routes.follow(() => [[...this.#services.values()], this.#marks]);
  }

  #policyOperations(services: VirtualService[]): NativeOperation[] {
    this.#isBeingAsked = true;
    try {
      return this.policies.operations(services);
    } finally {
      this.#isBeingAsked = false;
    }
  }

  #assertChangeable(): void {
    this.backing.assertOpen();
    if (!this.#isBeingAsked) return;
    throw new TunvsError(
      'ERR_TUNVS_BUSY',
      'a table policy cannot change the configuration while it is asked for its table: do so after it has answered',
    );
  }

  #tell(changes: ConfigurationChange[]): void {
    for (const event of changes.flatMap((change) => change.events ?? [])) this.backing.tell(event);
  }
}

function isThenable(value: unknown): boolean {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
