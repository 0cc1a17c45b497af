/**
 * Passes a director's news on to its listeners and to the diagnostics channels.
 *
 * Invariants: nothing here throws, whatever listeners do, because what they hear of has happened and is nobody's
 * failure; a closed director has no news except that it is closed.
 */
import type { EventEmitter } from 'node:events';
import type { HostEvent } from '../host/host-event.js';
import { unhindered } from '../host/unhindered.js';
import { type EngineEvent, type EngineEventType, engineEventTypes } from '../values/engine-event.js';
import { TunvsError } from '../values/errors.js';
import { onePacketWarning } from '../values/scheduler.js';
import { serviceName } from '../values/service-key.js';
import {
  type ConfigurationEvent,
  channels,
  type DirectorEvents,
  type DirectorWarning,
  type RoleEvent,
  tell,
} from './events.js';

export class DirectorNews {
  readonly #director: EventEmitter<DirectorEvents>;
  readonly #isClosed: () => boolean;
  /** How many events of each type there were. */
  readonly eventCounts = Object.fromEntries(engineEventTypes.map((type) => [type, 0])) as Record<
    EngineEventType,
    number
  >;
  readonly #emit = unhindered((emit: () => void) => emit());
  #hasLostDevice = false;

  constructor(director: EventEmitter<DirectorEvents>, isClosed: () => boolean) {
    this.#director = director;
    this.#isClosed = isClosed;
  }

  /** Passes on rare news of the engine, or of what works on its behalf. */
  report(event: EngineEvent): void {
    if (this.#isClosed()) return;
    const director = this.#director;
    this.eventCounts[event.type] += 1;
    if (event.type === 'deviceLost') this.#hasLostDevice = true;
    if (channels.event.hasSubscribers) channels.event.publish({ director, ...event });
    if (event.type === 'deviceLost')
      this.#emit(() => director.emit('error', new TunvsError('ERR_TUNVS_NO_DEVICE', event.message)));
    else this.#emit(() => director.emit('event', event));
  }

  /** The engine's own news of a lost device comes first, or there is none. */
  reportHost(event: HostEvent): void {
    if (event.type === 'deviceLost' && this.#hasLostDevice) return;
    const director = this.#director;
    if (channels.warning.hasSubscribers) channels.warning.publish({ director, message: event.message });
    this.report(event);
  }

  role(event: RoleEvent): void {
    channels.role.publish({ director: this.#director, ...event });
    this.#emit(() => this.#director.emit('role', event));
  }

  warn(warning: DirectorWarning): void {
    channels.warning.publish({ director: this.#director, ...warning });
    this.#emit(() => this.#director.emit('warning', warning));
  }

  /** Passes on a change of the configuration that is in force, and a warning where it is odd. */
  tell(change: ConfigurationEvent): void {
    // A listener of an earlier change of the same transaction may have closed the director.
    if (this.#isClosed()) return;
    this.#emit(() => tell(this.#director, change));
    if (change.name !== 'virtualService' || change.event.change === 'deleted') return;
    const { service } = change.event;
    // A listener of the change may have deleted the service, or closed the director.
    if (this.#isClosed() || !service.configuration.isConfigured(service)) return;
    const oddity = service.onePacket && !service.persistence ? onePacketWarning(service.scheduler) : undefined;
    if (oddity !== undefined) this.warn({ message: `${serviceName(service)}: ${oddity}`, about: 'configuration' });
  }

  /** Another process directs in this director's place. */
  handedOver(pid: number): void {
    this.#emit(() => this.#director.emit('handedOver', { pid }));
  }

  /** The process that was to take this director's place has failed, when it was too late to go on here. */
  fail(error: TunvsError): void {
    this.#emit(() => this.#director.emit('error', error));
  }

  closed(): void {
    channels.close.publish({ director: this.#director });
    this.#emit(() => this.#director.emit('close'));
  }
}
