/** Tries changes out on a director without a device that holds the same, before the real one is touched. */
import type { Director } from '../../director/director.js';
import { ownAddresses, rehearsalDirector } from '../../director/rehearsal.js';
import { putService } from './changes.js';
import { serviceJson } from './resources.js';
import { parseServiceId, serviceId } from './service-id.js';

/** Throws what is wrong with the changes. Policies are not asked. */
export async function tryOut(director: Director, change: (copy: Director) => void): Promise<void> {
  const services = director.virtualServices;
  const servers = services.flatMap((service) => service.realServers);
  const local = servers.filter(({ isLocal }) => isLocal).map(({ address }) => address);
  const own = director.device ? ownAddresses() : [];
  await using copy = rehearsalDirector(director.sources, [...new Set([...local, ...own])], director.fullNat ?? null);
  copy.transaction((transaction) => {
    for (const service of services) putService(transaction, parseServiceId(serviceId(service)), serviceJson(service));
    transaction.setMarks(director.marks);
  });
  change(copy);
}
