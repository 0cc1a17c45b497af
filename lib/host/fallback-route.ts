/**
 * The route of a virtual address for the time when the director's device is gone or down: it is unreachable, and the
 * client is told so. Without this route a host that still forwards would send the packet back to the router that it
 * came from, and the two would pass it back and forth until its TTL ends. Its metric is the worst there is, so any
 * other route goes before it.
 */
import type { AddressFamily } from '../values/inet.js';
import { asPrefix } from './family.js';
import type { Host } from './host.js';
import { ROUTE_PROTOCOL } from './route-protocol.js';
import type { HostStep } from './step.js';

const WORST_METRIC = 2 ** 32 - 1;

/** `target` is an address, a range or `default`; without `table` the route is in the main table. */
export function planFallback(host: Host, family: AddressFamily, target: string, table?: number): HostStep {
  const to = target === 'default' ? target : asPrefix(target);
  const inTable = table === undefined ? [] : ['table', `${table}`];
  const route = ['unreachable', to, ...inTable, 'metric', `${WORST_METRIC}`, 'proto', ROUTE_PROTOCOL];
  const ip = family === 4 ? ['ip'] : ['ip', '-6'];
  return {
    description: 'prevent a loop when the device is gone or down',
    command: { argv: [...ip, 'route', 'replace', ...route] },
    undo: { argv: [...ip, 'route', 'del', ...route] },
    ...(host.snapshot && { isHeld: host.snapshot.hasUnreachable(family, to, `${table ?? 'main'}`, WORST_METRIC) }),
  };
}
