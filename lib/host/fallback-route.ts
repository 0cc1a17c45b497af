/**
 * The route of a virtual address for the time when the director's device is gone or down: it is unreachable, and the
 * client is told so. Without this route a host that still forwards would send the packet back to the router that it
 * came from, and the two would pass it back and forth until its TTL ends. Its metric is the worst there is, so any
 * other route goes before it.
 */
import type { AddressFamily } from '../values/inet.js';
import { asPrefix, ipOf } from './family.js';
import type { Host, NowhereType } from './host.js';
import { ROUTE_PROTOCOL } from './route-protocol.js';
import type { HostStep } from './step.js';

const WORST_METRIC = 2 ** 32 - 1;
const PATIENT_METRIC = WORST_METRIC - 1;

export interface FallbackOptions {
  /** The default is the main table. */
  readonly table?: number;
  /** The default is `unreachable`. */
  readonly type?: NowhereType;
  /** The default is the worst. */
  readonly metric?: number;
  readonly description?: string;
}

/**
 * The same for a director that is started again within seconds: packets are dropped, and nobody is told, so that a
 * client sends them once more in place of giving up.
 */
export function planPatience(host: Host, family: AddressFamily, target: string): HostStep {
  return planFallback(host, family, target, {
    ...{ type: 'blackhole', metric: PATIENT_METRIC },
    description: 'drop what comes while the director is started again',
  });
}

/** `target` is an address, a range or `default`. */
export function planFallback(
  host: Host,
  family: AddressFamily,
  target: string,
  { table, type = 'unreachable', metric = WORST_METRIC, description }: FallbackOptions = {},
): HostStep {
  const to = target === 'default' ? target : asPrefix(target);
  const inTable = table === undefined ? [] : ['table', `${table}`];
  const route = [type, to, ...inTable, 'metric', `${metric}`, 'proto', ROUTE_PROTOCOL];
  const place = { to, table: `${table ?? 'main'}`, metric };
  return {
    description: description ?? 'prevent a loop when the device is gone or down',
    command: { argv: ipOf(family, 'route', 'replace', ...route) },
    undo: { argv: ipOf(family, 'route', 'del', ...route) },
    ...(host.snapshot && { isHeld: host.snapshot.leadsNowhere(type, family, place) }),
  };
}
