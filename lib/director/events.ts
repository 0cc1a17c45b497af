/** The events of a director, and the diagnostics channels with the same news. */
import { channel } from 'node:diagnostics_channel';
import type { EventEmitter } from 'node:events';
import type { EngineEvent } from '../values/engine-event.js';
import type { TunvsError } from '../values/errors.js';
import type { Change } from './owners.js';
import type { RealServer, VirtualService } from './virtual-service.js';

export interface VirtualServiceEvent {
  change: Change;
  service: VirtualService;
}

export interface RealServerEvent {
  change: Change;
  service: VirtualService;
  server: RealServer;
}

/** Something odd that came up since the director was opened; {@link Director.warnings} has what was found on opening. */
export interface DirectorWarning {
  /** One sentence, with the mend. */
  message: string;
  /** What it is about: what the caller has configured, or the host. */
  about: 'configuration' | 'host';
}

export interface DirectorEvents {
  /** A virtual service was added, edited or deleted; told once the change is in force. */
  virtualService: [event: VirtualServiceEvent];
  /** A real server was added, edited or deleted; told once the change is in force. */
  realServer: [event: RealServerEvent];
  /** Rare news from the engine. */
  event: [event: EngineEvent];
  /** Something odd came up; nothing is broken. */
  warning: [warning: DirectorWarning];
  /** A worker lost its device (ERR_TUNVS_NO_DEVICE). As everywhere in Node, thrown when nobody listens. */
  error: [error: TunvsError];
  /** The director is closed. */
  close: [];
}

/** One change of the configuration. */
export type ConfigurationEvent =
  | { name: 'virtualService'; event: VirtualServiceEvent }
  | { name: 'realServer'; event: RealServerEvent };

/**
 * diagnostics_channel: every message is an object with the `director` it is about.
 * `tunvs:open` and `tunvs:close` have nothing more, `tunvs:service` and `tunvs:server` the fields of their events,
 * `tunvs:event` those of an engine event, `tunvs:warning` a `message` and what it is `about`.
 */
export const channels = {
  open: channel('tunvs:open'),
  close: channel('tunvs:close'),
  service: channel('tunvs:service'),
  server: channel('tunvs:server'),
  event: channel('tunvs:event'),
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
