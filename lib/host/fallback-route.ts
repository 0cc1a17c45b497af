/**
 * The way of a virtual address when the director's device is gone or down: none, and the client is told. Without it a
 * host that still forwards sends the packet back to the router that it came from, and the two pass it on to each other
 * until its TTL ends. Of the worst metric there is, so any other route goes before it.
 */
import type { AddressFamily } from '../values/inet.js';
import { asPrefix } from './family.js';
import type { Host } from './host.js';
import { ROUTE_PROTOCOL } from './route-protocol.js';
import type { HostStep } from './step.js';

const WORST_METRIC = 2 ** 32 - 1;

/** `target`: an address, a range or `default`; without `table` in the main one. */
export function planFallback(host: Host, family: AddressFamily, target: string, table?: number): HostStep {
  const to = target === 'default' ? target : asPrefix(target);
  const inTable = table === undefined ? [] : ['table', `${table}`];
  const route = ['unreachable', to, ...inTable, 'metric', `${WORST_METRIC}`, 'proto', ROUTE_PROTOCOL];
  const ip = family === 4 ? ['ip'] : ['ip', '-6'];
  return {
    description: 'no loop when the device is gone or down',
    command: { argv: [...ip, 'route', 'replace', ...route] },
    undo: { argv: [...ip, 'route', 'del', ...route] },
    ...(host.snapshot && { isHeld: host.snapshot.hasUnreachable(family, to, `${table ?? 'main'}`, WORST_METRIC) }),
  };
}
