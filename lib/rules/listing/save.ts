/** Prints `ipvsadm -S`, which omits thresholds, timeouts and sysctls, as ipvsadm does. */
import { printServerSettings, printServiceId, printServiceSettings } from '../print.js';
import { type WriteEndpoint, writeNumbers } from './names.js';
import type { ListedService } from './rows.js';
import { isRange } from './services.js';
import { sortServices } from './sort.js';

export function saveServices(services: readonly ListedService[], write: WriteEndpoint = writeNumbers): string {
  return sortServices(services)
    .flatMap((service) => {
      const id = serviceId(service.id, write);
      const protocol = service.id.kind === 'mark' ? 'ip' : service.id.protocol;
      const servers = service.servers
        .filter(({ isSorry }) => !isSorry)
        .map((server) => `-a ${id} -r ${write(server, protocol)} ${printServerSettings(server)}\n`);
      return [`-A ${id} ${printServiceSettings(service)}\n`, ...servers];
    })
    .join('');
}

function serviceId(id: ListedService['id'], write: WriteEndpoint): string {
  if (id.kind === 'mark' || isRange(id)) return printServiceId(id);
  const [option = ''] = printServiceId(id).split(' ');
  return `${option} ${write(id, id.protocol)}`;
}
