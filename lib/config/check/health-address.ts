/** Finds services by mark whose checks would have no virtual address to connect to. */
import { lacksVirtualAddress } from '../../health/way/target.js';
import type { MarkRule } from '../../values/marks.js';
import { checkedServiceKey } from '../../values/service-key.js';
import { readCheck } from '../check-options.js';
import { serverHealthOf, type WantedHealth } from '../health-of.js';
import { serviceKeyOf } from '../library-options.js';
import type { CheckSpec } from '../spec.js';
import type { Finding } from './issues.js';
import type { ServicePart } from './service-checks.js';

/** REQUIRES: the service and its checks were accepted. */
export function addressFindings(
  wanted: WantedHealth,
  { index, service, servers }: ServicePart,
  marks: readonly MarkRule[],
): Finding[] {
  if (service.mark === undefined || wanted.virtualAddress !== undefined) return [];
  if (!lacksVirtualAddress(checkedServiceKey('service', serviceKeyOf(service)), marks)) return [];
  const isAsked = servers.some(({ server }) => {
    const own = serverHealthOf(server);
    if (own === false) return false;
    // What the server says counts more than a check of its service, and less than one of its own.
    const viaOf = (via: WantedHealth['via']) => (own?.checks ? (via ?? own.via) : (own?.via ?? via)) ?? wanted.via;
    const checks = own?.checks ?? wanted.checks;
    return checks.some(({ check, via }) => needsWay(check) && viaOf(via) !== 'address');
  });
  if (!isAsked) return [];
  const message = `the service of mark ${service.mark} has no virtual address that could be checked`;
  const mend = "write virtualAddress into its health, a destination into the mark's rule, or via: address";
  return [{ path: service.health ? ['services', index, 'health'] : ['services', index], message, mend }];
}

/** Nobody knows of a module that is not imported, which most likely does. */
function needsWay(check: CheckSpec): boolean {
  const read = readCheck(check);
  return 'module' in read || read.kind.make(read.options).needsWay;
}
