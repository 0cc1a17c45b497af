/**
 * The route of the host's own clients to a virtual address, in place of the plain one.
 *
 * Their packets leave with the highest TTL there is. A packet that another host has sent was forwarded, and has a lower
 * one: so nobody else can send a packet of such a client's flow (RFC 5082). Over IPv6 the route names the source, since
 * the kernel would choose a virtual address that services of this host have.
 */
import { asPrefix, familyOf, ipCommand } from './family.js';
import type { Host } from './host.js';
import { ROUTE_PROTOCOL } from './route-protocol.js';
import type { HostStep } from './step.js';

/** The TTL or hop limit of the packets of the host's own clients, as they come out of the device. */
export const OWN_HOP_LIMIT = 255;

export interface OwnRoutePlan {
  device: string;
  /** Director addresses (DIP). */
  sources: readonly string[];
  /** A table for checks alone; by default it is the main one, where the plain route stands. */
  table?: number;
}

/** Holders of a local node and of own clients make the same step. REQUIRES: the host routes `vip` to the device, or there is a table. */
export function planOwnRoute(host: Host, { device, sources, table }: OwnRoutePlan, vip: string): HostStep[] {
  const family = familyOf(vip);
  const inTable = table === undefined ? [] : ['table', `${table}`];
  const route = [asPrefix(vip), 'dev', device, ...inTable, 'proto', ROUTE_PROTOCOL];
  const source = family === 6 ? ownSource(host, sources) : undefined;
  const more = [...(source === undefined ? [] : ['src', source]), 'hoplimit', `${OWN_HOP_LIMIT}`];
  const wanted = {
    ...{ to: asPrefix(vip), device, hopLimit: OWN_HOP_LIMIT },
    ...(table !== undefined && { table: `${table}` }),
    ...(source !== undefined && { source }),
  };
  return [
    {
      description: `let this host be a client of ${vip}`,
      command: { argv: ipCommand(vip, 'route', 'replace', ...route, ...more) },
      // It makes no route where there is none any more.
      undo: { argv: ipCommand(vip, 'route', table === undefined ? 'change' : 'del', ...route) },
      isHeld: host.snapshot?.hasRoute(family, wanted) ?? false,
    },
  ];
}

function ownSource(host: Host, sources: readonly string[]): string | undefined {
  const own = new Set(host.addresses().map(({ address }) => address));
  return sources.find((source) => familyOf(source) === 6 && own.has(source));
}
