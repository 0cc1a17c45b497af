/** A real server of a virtual service, which connections go to. */
import { inspect, type InspectOptions, isDeepStrictEqual } from 'node:util';
import { drain, type DrainOptions, type DrainResult } from './drain.js';
import { TunvsError } from '../values/errors.js';
import type { ClientTold, ForwardingMethod, TunnelChecksum } from '../values/forwarding-method.js';
import type { NativeServerConfig, NativeServerKey } from '../native/services.js';
import { checkedHealth, type HealthCondition, SORRY_AT_REST } from '../values/health-condition.js';
import { fullWeight, nativeCondition, type ServerCondition, withPart } from '../values/server-condition.js';
import { MAX_INT32, refuse } from '../values/options.js';
import {
  checkedServerEdit,
  type RealServerEdit,
  type ServerForwarding,
  type ServerState,
  serverName,
  staysLocal,
} from '../values/server-options.js';
import { type RealServerStats, serverStats } from '../stats/stats.js';
import { notInForce } from './not-in-force.js';
import type { ServerOwner } from './owners.js';
import { isRoutedMethod, keepsRoutesOf } from './routed-methods.js';
import { inspected } from '../values/handle-view.js';
import { serverJson, serverView } from './views.js';

let lastSerial = 0;

/** The handle that callers know as {@link RealServer}. */
export class RealServer<Service extends ServerOwner = ServerOwner> {
  /** The handle of the server's virtual service. */
  readonly service: Service;
  /** The real server's own address (RIP), in its canonical spelling. */
  readonly address: string;
  /** The real server's port; 0 stands for the port that a packet has. */
  readonly port: number;
  /** @internal */
  readonly serial = ++lastSerial;
  #state: ServerState;
  /** The host may keep something for connections that began with another method. */
  #hasBeenRouted = false;

  /** @internal */
  constructor(service: Service, key: NativeServerKey, state: ServerState) {
    this.service = service;
    this.address = key.address;
    this.port = key.port;
    this.#state = state;
  }

  /**
   * The server's configured share of new connections, [0, 2^31 - 1]. A server of weight 0 gets no new connections and
   * keeps those that it has. Health, drains, policies and slow starts leave the weight as it is; the scheduler goes by
   * `stats().effectiveWeight`.
   */
  get weight(): number {
    return this.#configured().weight;
  }

  /**
   * Sets the weight, [0, 2^31 - 1].
   *
   * @throws {@link TunvsError} ERR_TUNVS_INVALID_ARGUMENT when the value is refused.
   */
  set weight(weight: number) {
    this.#assertGiven('weight', weight, `an integer from 0 to ${MAX_INT32}`);
    this.edit({ weight });
  }

  /**
   * Whether the server is up by hand: the word of an operator, or of a program that checks servers by itself. Health
   * checks have a word of their own, {@link RealServer.health}, and neither changes the other: the server gets new
   * connections only if both say that it is up.
   *
   * A server that is down by hand keeps the connections that it has. Clients that persistence keeps for it come all the
   * same, even while it drains, unless the sysctl `expire_quiescent_template` is 1. Setting the value that it has
   * already changes nothing, while every {@link RealServer.edit} sends the walk of `wrr` to the list's head.
   */
  get isUp(): boolean {
    this.assertConfigured();
    return this.#state.condition.isUp;
  }

  /**
   * Says by hand whether the server is up.
   *
   * @throws {@link TunvsError} ERR_TUNVS_INVALID_ARGUMENT when the value is refused.
   */
  set isUp(isUp: boolean) {
    this.#assertGiven('isUp', isUp, 'true or false');
    if (isUp !== this.isUp) this.edit({ isUp });
  }

  /**
   * What health checks say of the server; it is undefined while nobody checks it. A sorry server that is not in force is
   * out of the list.
   */
  get health(): HealthCondition | undefined {
    this.assertConfigured();
    return this.#state.condition.health;
  }

  /** It may get new connections: the server is up, not drained, and of a weight above 0. @internal */
  get takesConnections(): boolean {
    const { config, condition } = this.#state;
    return !config.isSorry && fullWeight(config.weight, condition) > 0;
  }

  /** Whether the server is a sorry server: it is out of the list until health puts it in force. */
  get isSorry(): boolean {
    return this.#configured().isSorry ?? false;
  }

  /** Whether {@link RealServer.drain} keeps new connections from the server until {@link RealServer.undrain}. */
  get isDraining(): boolean {
    return this.drainId !== undefined;
  }

  /**
   * The weight that the service's weights policy has assigned in place of the configured one; it is undefined when
   * there is none.
   */
  get assignedWeight(): number | undefined {
    this.assertConfigured();
    return this.#state.condition.assignedWeight;
  }

  /** How packets get to the server. */
  get forwarding(): ForwardingMethod {
    return this.#configured().forwarding as ForwardingMethod;
  }

  /**
   * Whether the server is the director's own host, which gets packets as they came. Every real server at an address of
   * that host is local. When the host gets or loses the address, this changes with a `realServer` event, and
   * connections stay.
   */
  get isLocal(): boolean {
    return this.forwarding === 'local';
  }

  /** The UDP port that the server takes GUE on. It is 0 unless `forwarding` is 'gue'. */
  get tunnelPort(): number {
    return this.#configured().tunnelPort;
  }

  /** Says how the server is told the client's address, with 'snat'. */
  get clientAddress(): ClientTold {
    return this.#configured().clientAddress as ClientTold;
  }

  /** What of a tunnel packet is guarded by a checksum of its own. */
  get tunnelChecksum(): TunnelChecksum {
    return this.#configured().tunnelChecksum as TunnelChecksum;
  }

  /** The number of connections at which the server gets no new ones; 0 stands for no limit. */
  get upperThreshold(): number {
    return this.#configured().upperThreshold;
  }

  /**
   * The number of connections below which the server gets new ones again; 0 stands for three quarters of the upper
   * threshold.
   */
  get lowerThreshold(): number {
    return this.#configured().lowerThreshold;
  }

  /**
   * Changes the server. Options that are left out keep their values, but those of a tunnel begin anew with another
   * `forwarding`.
   *
   * @throws {@link TunvsError} ERR_TUNVS_INVALID_ARGUMENT when an option is refused.
   */
  edit(options: RealServerEdit): void {
    this.assertConfigured();
    this.#become(checkedServerEdit('RealServer.edit', options, this.#state, this, this.service.surroundings));
  }

  /**
   * Gives the server no new connections, and resolves when its last connection is gone. The server stays configured
   * with its weight, and gets no new connections until {@link RealServer.undrain}.
   *
   * With `deadlineMs` the connections that are left by then are ended: the director forgets them. The next packet of a
   * forgotten connection is answered with a reset if it is TCP, and goes to another real server if it is UDP.
   *
   * Waiting keeps the process alive. A connection that its client has closed stays for its timeout: 120 s after a FIN,
   * 300 s for UDP.
   *
   * @throws {@link TunvsError} ERR_TUNVS_BUSY when `timeoutMs` is over, when {@link RealServer.undrain} is called
   *   meanwhile, or when the transaction around the call fails; ERR_TUNVS_NOT_FOUND when the server is deleted;
   *   ERR_TUNVS_CLOSED when the director is closed. An aborted signal throws its reason.
   */
  drain(options: DrainOptions = {}): Promise<DrainResult> {
    return drain(this, options);
  }

  /**
   * Takes {@link RealServer.drain} back. The server gets new connections by its weight again, with a slow start if its
   * service has one.
   */
  undrain(): void {
    if (this.isDraining) this.#tell('drainId', undefined);
  }

  /** Starts draining and returns the `drainId` that it keeps until it is undrained. @internal */
  beginDrain(): symbol {
    const { drainId = Symbol('drain') } = this;
    if (!this.isDraining) this.#tell('drainId', drainId);
    return drainId;
  }

  /** @internal */
  get drainId(): symbol | undefined {
    this.assertConfigured();
    return this.#state.condition.drainId;
  }

  /** Assigns a policy's weight; undefined takes it back. Returns whether that changes anything. @internal */
  assignWeight(weight: number | undefined): boolean {
    this.assertConfigured();
    if (this.#state.condition.assignedWeight === weight) return false;
    this.#tell('assignedWeight', weight);
    return true;
  }

  /** Says what health has found; undefined takes it back. Returns whether that changes anything. @internal */
  applyHealth(health: HealthCondition | undefined): boolean {
    this.assertConfigured();
    const rest = this.isSorry ? SORRY_AT_REST : undefined;
    const after = health ? checkedHealth('applyHealth', health) : rest;
    if (isDeepStrictEqual(this.#state.condition.health, after)) return false;
    this.#tell('health', after);
    return true;
  }

  /** Returns the weight without a slow start. @internal */
  get fullWeight(): number {
    return fullWeight(this.#configured().weight, this.#state.condition);
  }

  /**
   * Returns the forwarding that was asked for, which a server at an address of the host has in vain. Does not check
   * whether the server is still configured. @internal
   */
  get askedForwarding(): ServerForwarding {
    return this.#state.asked;
  }

  /** Says whether the server is local and should not be, or the reverse. @internal */
  get isMisplaced(): boolean {
    const { asked } = this.#state;
    const isHere = this.service.surroundings.isLocal(this.address) && staysLocal(asked);
    const isWantedLocal = asked.forwarding === 'local' || isHere;
    return isWantedLocal !== this.isLocal;
  }

  /** Deletes the server. Packets of its connections are dropped from then on, unless the server comes back. */
  delete(): void {
    this.assertConfigured();
    const { service } = this;
    service.configuration.changeServer('deleted', service, this, {
      operation: { op: 'deleteServer', service: service.nativeKey, server: this.#nativeKey },
      keepsRoutes: !this.#hasBeenRouted && !isRoutedMethod(this.forwarding),
      redo: () => service.forget(this),
      undo: () => service.remember(this),
    });
  }

  /**
   * Reads the server's statistics.
   *
   * @throws {@link TunvsError} ERR_TUNVS_NOT_FOUND when the transaction that adds the server is not in force yet.
   */
  stats(): RealServerStats {
    this.assertConfigured();
    const row = this.service.configuration.backing.serverRow(this.service.nativeKey, this.#nativeKey);
    if (row === undefined) throw notInForce(serverName(this));
    return serverStats(row);
  }

  /** Returns the server's name, weight and state for JSON.stringify(). */
  toJSON(): object {
    return serverJson(this);
  }

  /** @internal */
  [inspect.custom](depth: number, options: InspectOptions): string {
    return inspected(this.constructor.name, () => serverView(this), depth, options);
  }

  /** Does not check whether the server is still configured. @internal */
  get nativeConfig(): NativeServerConfig {
    return this.#state.config;
  }

  /** @internal */
  assertConfigured(): void {
    this.service.configuration.backing.assertOpen();
    if (!this.service.isConfigured(this)) {
      throw new TunvsError(
        'ERR_TUNVS_NOT_FOUND',
        `the real server ${serverName(this)} of this handle was deleted: look it up again`,
      );
    }
  }

  /** For edit(), undefined means an option left out; for a setter it is a mistake. */
  #assertGiven(name: string, value: unknown, expected: string): void {
    this.assertConfigured();
    if (value === undefined) refuse(`RealServer: ${name}`, value, expected);
  }

  get #nativeKey(): NativeServerKey {
    return { address: this.address, port: this.port };
  }

  #configured(): NativeServerConfig {
    this.assertConfigured();
    return this.#state.config;
  }

  #tell<Name extends Exclude<keyof ServerCondition, 'isUp'>>(name: Name, value: ServerCondition[Name] | undefined) {
    this.#become({ ...this.#state, condition: withPart(this.#state.condition, name, value) });
  }

  #become(state: ServerState): void {
    const before = this.#state;
    const { config } = state;
    const condition = nativeCondition(state.condition);
    this.service.configuration.changeServer('edited', this.service, this, {
      operation: { op: 'editServer', service: this.service.nativeKey, server: this.#nativeKey, config, condition },
      keepsRoutes: keepsRoutesOf(before.config.forwarding, config.forwarding),
      redo: () => {
        this.#hasBeenRouted ||= isRoutedMethod(before.config.forwarding);
        this.#state = state;
      },
      undo: () => {
        this.#state = before;
      },
    });
  }
}
