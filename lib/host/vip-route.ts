/** Makes the host's routes to the director's device, and checks that an address is free for one. */
import { TunvsError } from '../values/errors.js';
import { isRange } from '../values/prefix.js';
import { asPrefix, familyOf, ipCommand } from './family.js';
import type { Host, HostAddress } from './host.js';
import { type Occupancy, readOccupancy } from './occupancy.js';
import { ROUTE_PROTOCOL } from './route-protocol.js';
import type { SnapshotHost } from './snapshot.js';
import type { HostStep } from './step.js';

export function planRoute(host: Host, device: string, target: string, description: string): HostStep {
  const route = [asPrefix(target), 'dev', device, 'proto', ROUTE_PROTOCOL];
  return {
    description,
    command: { argv: ipCommand(target, 'route', 'replace', ...route) },
    undo: { argv: ipCommand(target, 'route', 'del', ...route) },
    isHeld: host.snapshot?.hasRoute(familyOf(target), { to: asPrefix(target), device }) ?? false,
  };
}

/** Throws when one of these addresses and ranges is the host's own, or is routed elsewhere. */
export function refuseTaken(host: Host, device: string, vips: readonly string[]): void {
  const there = readOccupancy(host, vips);
  for (const vip of vips) {
    const occupancy = there.get(asPrefix(vip)) ?? { routes: [] };
    refuseOwnAddress(occupancy, vip);
    refuseOtherRoutes(occupancy, device, vip);
  }
}

/** The addresses of a range that are the host's own stay its own. */
function refuseOwnAddress({ own }: Occupancy, vip: string): void {
  if (isRange(vip) || own === undefined) return;
  const mend = removalOf({ address: vip, interfaceName: own.device, prefixLength: own.prefixLength });
  throw new TunvsError(
    'ERR_TUNVS_HOST',
    `${vip} is an address of this host, so its kernel keeps the packets: ` +
      `remove it with "${mend}", or choose another virtual address`,
  );
}

/** Returns the command that removes an address of the host: ip(8) wants the length that the address has. */
export function removalOf({ address, interfaceName, prefixLength }: HostAddress): string {
  return ipCommand(address, 'address', 'del', `${address}/${prefixLength}`, 'dev', interfaceName).join(' ');
}

function refuseOtherRoutes(occupancy: Occupancy, device: string, vip: string): void {
  const family = familyOf(vip);
  const routes = occupancy.routes.filter((line) => metricOf(line) <= OUR_METRIC[family]);
  for (const route of routes) {
    if (!route.includes(` proto ${ROUTE_PROTOCOL}`)) {
      throw new TunvsError(
        'ERR_TUNVS_HOST',
        `this host routes ${vip} elsewhere: remove that route with "${ipCommand(vip, 'route', 'del', route).join(' ')}"`,
      );
    }
    const other = / dev (\S+)/.exec(route)?.[1];
    if (other !== device) {
      throw new TunvsError(
        'ERR_TUNVS_BUSY',
        `${vip} is served by the director on ${other}: stop that director, or remove the address from its rules`,
      );
    }
  }
}

/** The metric of a route that names none; a route with a lower one goes before it. */
const OUR_METRIC = { 4: 0, 6: 1024 };

function metricOf(route: string): number {
  return Number(/ metric (\d+)/.exec(route)?.[1] ?? 0);
}

/** Returns a sentence for each of `vips` that has become an address of the host's own. */
export function ownAddressConflicts(
  snapshot: SnapshotHost,
  device: string | undefined,
  vips: { has(address: string): boolean },
): string[] {
  const own = snapshot.allAddresses.filter(({ interfaceName }) => interfaceName !== device);
  return own
    .filter(({ address }) => vips.has(address))
    .map(
      (each) =>
        `${each.address} has become an address of this host, on ${each.interfaceName}, so its kernel keeps the ` +
        `packets: remove it with "${removalOf(each)}"`,
    );
}
