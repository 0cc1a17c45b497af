/** The events of a director, and the diagnostics channels with the same news. */
import { channel } from 'node:diagnostics_channel';
import type { EventEmitter } from 'node:events';
import type { EngineEvent } from '../values/engine-event.js';
import type { Role } from '../values/role.js';
import type { TunvsError } from '../values/errors.js';
import type { Change } from './owners.js';
import type { RealServer, VirtualService } from './virtual-service.js';

/** The event that a virtual service was added, edited or deleted. */
export interface VirtualServiceEvent {
  /** What was done. */
  change: Change;
  /** The service's handle. When the service was deleted, only its name can be read. */
  service: VirtualService;
}

/** The event that a real server was added, edited or deleted. */
export interface RealServerEvent {
  /** What was done. */
  change: Change;
  /** The handle of the server's virtual service. */
  service: VirtualService;
  /** The server's handle. When the server was deleted, only its name can be read. */
  server: RealServer;
}

/**
 * The event that something odd came up after the director was opened; {@link Director.warnings} has what came before.
 */
export interface DirectorWarning {
  /** The sentence that says what is odd and how to mend it. */
  message: string;
  /** Whether it is about what the caller has configured, or about the host. */
  about: 'configuration' | 'host';
}

/** The event that another process has taken the director's place. */
export interface HandedOverEvent {
  /** The process that directs from now on. */
  pid: number;
}

/** The event that a director has another role. */
export interface RoleEvent {
  /** The role that is in force. */
  role: Role;
  /** The role that it had. */
  before: Role;
}

/**
 * The events of a {@link Director}.
 *
 * @example
 * ```ts
 * import { Director } from 'tunvs';
 *
 * const director = Director.offline({ source: '10.2.0.2' });
 * director.on('realServer', ({ change, server }) => console.log(change, server.address)); // added 10.3.0.11
 * director.on('warning', ({ message }) => console.warn(message));
 * const service = director.addVirtualService({ protocol: 'tcp', address: '192.0.2.1', port: 80 });
 * service.addRealServer({ address: '10.3.0.11' });
 * ```
 */
export interface DirectorEvents {
  /** A virtual service was added, edited or deleted, and the change is in force. */
  virtualService: [event: VirtualServiceEvent];
  /** A real server was added, edited or deleted, and the change is in force. */
  realServer: [event: RealServerEvent];
  /** The engine tells rare news, such as a full connection table. */
  event: [event: EngineEvent];
  /** The director has another role, and the host has followed. */
  role: [event: RoleEvent];
  /** Something odd came up; nothing is broken. */
  warning: [warning: DirectorWarning];
  /** A worker lost its device (ERR_TUNVS_NO_DEVICE). Node throws the error when nobody listens. */
  error: [error: TunvsError];
  /**
   * Another process has taken the director's place, in which packets go on. The director closes itself, and its process
   * has nothing left to do for it.
   */
  handedOver: [event: HandedOverEvent];
  /** The director is closed, or directs no more because another process takes its place. */
  close: [];
}

/** One change of the configuration. */
export type ConfigurationEvent =
  | { name: 'virtualService'; event: VirtualServiceEvent }
  | { name: 'realServer'; event: RealServerEvent };

/**
 * diagnostics_channel: every message is an object with the `director` it is about.
 * `tunvs:open` and `tunvs:close` have nothing more, `tunvs:service` and `tunvs:server` the fields of their events,
 * `tunvs:role` those of its event, `tunvs:event` those of an engine event, `tunvs:warning` a `message` and what it is `about`.
 */
export const channels = {
  open: channel('tunvs:open'),
  close: channel('tunvs:close'),
  service: channel('tunvs:service'),
  server: channel('tunvs:server'),
  event: channel('tunvs:event'),
  role: channel('tunvs:role'),
  warning: channel('tunvs:warning'),
} as const;

export function tell(director: EventEmitter<DirectorEvents>, { name, event }: ConfigurationEvent): void {
  if (name === 'virtualService') {
    if (channels.service.hasSubscribers) channels.service.publish({ director, ...event });
    director.emit('virtualService', event);
  } else {
    if (channels.server.hasSubscribers) channels.server.publish({ director, ...event });
    director.emit('realServer', event);
  }
}
