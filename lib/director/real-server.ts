/** A real server of a virtual service, which connections go to. */
import { inspect, type InspectOptions } from 'node:util';
import { drain, type DrainOptions, type DrainResult } from './drain.js';
import { TunvsError } from '../values/errors.js';
import type { ForwardingMethod, TunnelChecksum } from '../values/forwarding-method.js';
import type { NativeServerConfig, NativeServerKey } from '../native/services.js';
import { fullWeight, nativeCondition } from '../values/server-condition.js';
import { MAX_INT32, refuse } from '../values/options.js';
import { checkedServerEdit, type RealServerEdit, type ServerState, serverName } from '../values/server-options.js';
import { type RealServerStats, serverStats } from '../stats/stats.js';
import type { ServerOwner } from './owners.js';
import { inspected, serverJson, serverView } from './views.js';

let lastSerial = 0;

/**
 * A handle on a configured real server; made by {@link VirtualService.addRealServer}.
 *
 * Once the server or its service is deleted, every call throws ERR_TUNVS_NOT_FOUND, also when a server of the same
 * name is added later; once the director is closed, ERR_TUNVS_CLOSED. `service`, `address` and `port` can always be read.
 */
export class RealServer<Service extends ServerOwner = ServerOwner> {
  readonly service: Service;
  /** The real server's own address (RIP), in its canonical spelling. */
  readonly address: string;
  readonly port: number;
  /** @internal */
  readonly serial = ++lastSerial;
  #state: ServerState;

  /** @internal */
  constructor(service: Service, key: NativeServerKey, state: ServerState) {
    this.service = service;
    this.address = key.address;
    this.port = key.port;
    this.#state = state;
  }

  /**
   * Its configured share of new connections, [0, 2^31 - 1]; 0 gets none and keeps those it has. Health, drains, policies
   * and slow starts leave it as it is: `stats().effectiveWeight` is what the scheduler goes by.
   */
  get weight(): number {
    return this.#configured().weight;
  }

  set weight(weight: number) {
    this.#assertGiven('weight', weight, `an integer from 0 to ${MAX_INT32}`);
    this.edit({ weight });
  }

  /**
   * What whoever checks its health has found. One that is down gets no new connections and keeps those it has. Clients
   * that persistence keeps it for come all the same, also while it drains, unless `expire_quiescent_template` is 1. To set
   * what it is already changes nothing, while every {@link edit} sends the walk of `wrr` to the list's head.
   */
  get isUp(): boolean {
    this.assertConfigured();
    return this.#state.condition.isUp;
  }

  set isUp(isUp: boolean) {
    this.#assertGiven('isUp', isUp, 'true or false');
    if (isUp !== this.isUp) this.edit({ isUp });
  }

  /** It gets no new connections, by {@link drain}, until {@link undrain}. */
  get isDraining(): boolean {
    return this.drainId !== undefined;
  }

  /** By a weights policy of its service, in place of the configured weight; undefined: none. */
  get assignedWeight(): number | undefined {
    this.assertConfigured();
    return this.#state.condition.assignedWeight;
  }

  get forwarding(): ForwardingMethod {
    return this.#configured().forwarding as ForwardingMethod;
  }

  /**
   * It is the director's own host, and gets its packets as they came; so is every real server at an address of that
   * host. When the host gets or loses the address, this changes, with a `realServer` event; connections stay.
   */
  get isLocal(): boolean {
    return this.forwarding === 'local';
  }

  /** UDP port that it takes GUE on; 0 unless `forwarding` is 'gue'. */
  get tunnelPort(): number {
    return this.#configured().tunnelPort;
  }

  get tunnelChecksum(): TunnelChecksum {
    return this.#configured().tunnelChecksum as TunnelChecksum;
  }

  /** Connections at which it gets no new ones; 0: no limit. */
  get upperThreshold(): number {
    return this.#configured().upperThreshold;
  }

  /** Connections below which it gets new ones again; 0: three quarters of the upper threshold. */
  get lowerThreshold(): number {
    return this.#configured().lowerThreshold;
  }

  /** Options left out keep their values; those of a tunnel begin anew with another `forwarding`. */
  edit(options: RealServerEdit): void {
    this.assertConfigured();
    this.#become(checkedServerEdit('RealServer.edit', options, this.#state, this.address, this.service.surroundings));
  }

  /**
   * Gives it no new connections and resolves when the last one it has is gone. It stays configured, with the weight that
   * it has, and goes on getting none until {@link undrain}.
   *
   * With `deadlineMs` those that are left by then are ended: the director forgets them, and their next packet is one
   * of no connection, which TCP is answered with a reset and UDP sent to another real server.
   *
   * Waiting keeps the process alive. A director that tunnels sees no reply, so a connection that its client has closed
   * stays for its timeout: 120 s after a FIN, 300 s for UDP.
   *
   * @throws {@link TunvsError} ERR_TUNVS_BUSY when `timeoutMs` is over, {@link undrain} is called meanwhile, or the
   *   transaction that it is called in fails; ERR_TUNVS_NOT_FOUND when it is deleted, ERR_TUNVS_CLOSED when the director
   *   is closed; the signal's reason.
   */
  drain(options: DrainOptions = {}): Promise<DrainResult> {
    return drain(this, options);
  }

  /** Takes {@link drain} back: it gets new connections by its weight again, with a slow start where its service has one. */
  undrain(): void {
    if (!this.isDraining) return;
    const { drainId: _, ...others } = this.#state.condition;
    this.#become({ ...this.#state, condition: others });
  }

  /** Starts draining and returns the `drainId` that it keeps until it is undrained. @internal */
  beginDrain(): symbol {
    const { drainId = Symbol('drain'), ...others } = this.#state.condition;
    if (!this.isDraining) this.#become({ ...this.#state, condition: { ...others, drainId } });
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
    const { assignedWeight: _, ...others } = this.#state.condition;
    const condition = weight === undefined ? others : { ...others, assignedWeight: weight };
    this.#become({ ...this.#state, condition });
    return true;
  }

  /** Returns the weight without a slow start. @internal */
  get fullWeight(): number {
    return fullWeight(this.#configured().weight, this.#state.condition);
  }

  /** Says whether the server is local and should not be, or the reverse. @internal */
  get isMisplaced(): boolean {
    const isWantedLocal = this.#state.asked.forwarding === 'local' || this.service.surroundings.isLocal(this.address);
    return isWantedLocal !== this.isLocal;
  }

  /** Deletes it. Packets of its connections are dropped from then on, unless it comes back. */
  delete(): void {
    this.assertConfigured();
    const { service } = this;
    service.configuration.changeServer('deleted', service, this, {
      operation: { op: 'deleteServer', service: service.nativeKey, server: this.#nativeKey },
      keepsRoutes: !this.isLocal,
      redo: () => service.forget(this),
      undo: () => service.remember(this),
    });
  }

  stats(): RealServerStats {
    this.assertConfigured();
    const row = this.service.configuration.backing.serverRow(this.service.nativeKey, this.#nativeKey);
    if (row === undefined) {
      throw new TunvsError(
        'ERR_TUNVS_NOT_FOUND',
        `${serverName(this)} is not in force yet: read its stats when the transaction is done`,
      );
    }
    return serverStats(row);
  }

  toJSON(): object {
    return serverJson(this);
  }

  /** @internal */
  [inspect.custom](depth: number, options: InspectOptions): string {
    return inspected(this, () => serverView(this), depth, options);
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

  #become(state: ServerState): void {
    const before = this.#state;
    const { config } = state;
    const condition = nativeCondition(state.condition);
    this.service.configuration.changeServer('edited', this.service, this, {
      operation: { op: 'editServer', service: this.service.nativeKey, server: this.#nativeKey, config, condition },
      keepsRoutes: (config.forwarding === 'local') === (before.config.forwarding === 'local'),
      redo: () => {
        this.#state = state;
      },
      undo: () => {
        this.#state = before;
      },
    });
  }
}
