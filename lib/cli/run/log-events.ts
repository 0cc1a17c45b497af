/** The director's events as lines of the log. */
import type { Attachment } from '../../daemon/daemon.js';
import type { Log, LogLevel } from '../../daemon/log.js';
import { serviceName } from '../../values/service-key.js';

/** What is mended is news; what is not, or cannot be read, needs somebody. */
const LEVELS: Readonly<Record<string, LogLevel>> = {
  hostMended: 'info',
  serversMoved: 'info',
  deviceRenamed: 'info',
  role: 'info',
  hostNotMended: 'error',
  deviceLost: 'error',
};

export const levelOf = (event: string): LogLevel => LEVELS[event] ?? 'warn';

/** A change of the configuration, whoever makes it, is a line of level debug: a reload may make thousands. */
export function logChanges(log: Log): Attachment {
  return ({ director }) => {
    director.on('virtualService', ({ change, service }) =>
      log.debug('virtualService', { change }, `virtual service ${serviceName(service)} ${change}`),
    );
    director.on('realServer', ({ change, service, server }) =>
      log.debug('realServer', { change }, `real server ${server.address} of ${serviceName(service)} ${change}`),
    );
    return {};
  };
}
