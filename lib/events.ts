/** What a director tells about itself: its events, and the diagnostics channels of the same news. */
import { channel } from 'node:diagnostics_channel';
import type { Director } from './director.js';
import type { TunvsError } from './errors.js';
import type { RealServer } from './real-server.js';
import type { VirtualService } from './virtual-service.js';

export type Change = 'added' | 'edited' | 'deleted';

export interface VirtualServiceEvent {
  change: Change;
  service: VirtualService;
}

export interface RealServerEvent {
  change: Change;
  service: VirtualService;
  server: RealServer;
}

/** Rare news from the engine; several of a kind are told as one. */
export interface EngineEvent {
  /**
   * `tableFull`: connections gave way to new ones, or new ones were refused; `value` is how many of both since the last
   * such event, `message` how many of each.
   * `eventsLost`: events came faster than they were read; `value` is how many were lost.
   * `policyFailed`: a policy threw, rejected or answered what cannot be, the first time for ten seconds; `value` is how
   * often since the last such event, `cause` what it threw.
   * `deviceLost`, on the diagnostics channel only: a worker's device is gone; `value` is the worker.
   */
  type: string;
  value: number;
  /** One sentence. */
  message: string;
  /** Where somebody's code threw: what. */
  cause?: unknown;
}

export interface DirectorEvents {
  /** A virtual service was added, edited or deleted; told once the change is in force. */
  virtualService: [event: VirtualServiceEvent];
  /** A real server was added, edited or deleted; told once the change is in force. */
  realServer: [event: RealServerEvent];
  /** Rare news from the engine. */
  event: [event: EngineEvent];
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
 * `tunvs:event` those of an engine event, `tunvs:warning` a `message`.
 */
export const channels = {
  open: channel('tunvs:open'),
  close: channel('tunvs:close'),
  service: channel('tunvs:service'),
  server: channel('tunvs:server'),
  event: channel('tunvs:event'),
  warning: channel('tunvs:warning'),
} as const;

export function tell(director: Director, { name, event }: ConfigurationEvent): void {
  if (name === 'virtualService') {
    if (channels.service.hasSubscribers) channels.service.publish({ director, ...event });
    director.emit('virtualService', event);
  } else {
    if (channels.server.hasSubscribers) channels.server.publish({ director, ...event });
    director.emit('realServer', event);
  }
}
