/**
 * The way of a virtual address when the director's device is gone or down: none, and the client is told. Without it a
 * host that still forwards sends the packet back to the router that it came from, and the two pass it on to each other
 * until its TTL ends. Of the worst metric there is, so any other route goes before it.
 */
import type { AddressFamily } from '../inet.js';
import { askJson } from './ask.js';
import { asPrefix, ipJson } from './family.js';
import type { Host } from './host.js';
import { ROUTE_PROTOCOL } from './route-protocol.js';
import type { HostStep } from './step.js';

const WORST_METRIC = 2 ** 32 - 1;

interface RouteRow {
  type?: string;
  dst: string;
  table?: string;
  metric?: number;
}

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
    ...(host.snapshot && { isHeld: isThere(host, family, to, table) }),
  };
}

function isThere(host: Host, family: AddressFamily, to: string, table: number | undefined): boolean {
  const rows = askJson<RouteRow>(host, ipJson(family, 'route', 'show', 'table', 'all', 'proto', ROUTE_PROTOCOL));
  return rows.some(
    (row) =>
      row.type === 'unreachable' &&
      row.metric === WORST_METRIC &&
      (row.dst === to || (row.dst !== 'default' && asPrefix(row.dst) === to)) &&
      (row.table ?? 'main') === (table === undefined ? 'main' : `${table}`),
  );
}
