/** Prints `ipvsadm -S -n`, which omits thresholds, timeouts and sysctls, as ipvsadm does. */
import { formatEndpoint } from '../../values/inet.js';
import { printServerSettings, printServiceId, printServiceSettings } from '../print.js';
import type { ListedService } from './rows.js';
import { sortServices } from './sort.js';

export function saveServices(services: readonly ListedService[]): string {
  return sortServices(services)
    .flatMap((service) => {
      const id = printServiceId(service.id);
      const servers = service.servers.map(
        (server) => `-a ${id} -r ${formatEndpoint(server)} ${printServerSettings(server)}\n`,
      );
      return [`-A ${id} ${printServiceSettings(service)}\n`, ...servers];
    })
    .join('');
}
