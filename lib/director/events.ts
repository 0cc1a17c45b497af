/** What a director tells about itself: its events, and the diagnostics channels of the same news. */
import { channel } from 'node:diagnostics_channel';
import type { Director } from './director.js';
import type { TunvsError } from '../values/errors.js';
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
   * `packetsLost`: packets could not be sent; `value` is how many since the last such event, `message` says why.
   * `packetsTooLong`: packets were longer than the device's buffers and were dropped; `value` likewise.
   * `errorsUnread`: ICMP errors about tunnel packets could not be read; `value` is how often since the last such event.
   * `hostMended`: `value` things that the director needs of its host were missing and have been put back.
   * `hostNotMended`: `value` things are missing and could not be put back; `cause` is why. It is tried again.
   * `hostContested`: `value` things were taken away again and again, and are left alone for a while.
   * `hostConflict`: something else on the host keeps packets from the director.
   * `hostUnreadable`: the host cannot be watched as it should; the message says why and what that means.
   * `deviceRenamed`: a device has another name, and the director goes on with it.
   * `serversMoved`: `value` real servers have become local, or are no more, as the host's addresses have changed; 0: one
   * could not be moved.
   * `deviceLost`, on the diagnostics channel only: a worker's device is gone; `value` is the worker.
   */
  type: string;
  value: number;
  /** One sentence. */
  message: string;
  /** Of news of the host: what it is about, each in words. */
  things?: readonly string[];
  /** Where somebody's code threw: what. */
  cause?: unknown;
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

export function tell(director: Director, { name, event }: ConfigurationEvent): void {
  if (name === 'virtualService') {
    if (channels.service.hasSubscribers) channels.service.publish({ director, ...event });
    director.emit('virtualService', event);
  } else {
    if (channels.server.hasSubscribers) channels.server.publish({ director, ...event });
    director.emit('realServer', event);
  }
}
