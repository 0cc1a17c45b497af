/** The settings of what is listed, as a command that makes it has them. */
import type { ServerSettings, ServiceSettings } from './command.js';
import type { ListedServer, ListedService } from './listing/rows.js';

export function serviceSettings({ scheduler, schedulerFlags, persistence, onePacket }: ListedService): ServiceSettings {
  return { scheduler, schedulerFlags, ...(persistence && { persistence }), onePacket };
}

export function serverSettings(server: ListedServer): ServerSettings {
  const { forwarding, tunnelPort, tunnelChecksum, weight, upperThreshold, lowerThreshold } = server;
  const tunnel = {
    ...(tunnelPort !== undefined && { tunnelPort }),
    ...(tunnelChecksum !== undefined && { tunnelChecksum }),
  };
  return { forwarding, ...tunnel, weight, upperThreshold, lowerThreshold };
}
