/** The way to a real server's own address. */
import { isIP } from 'node:net';
import type { Way } from '../checks/check.js';
import { connectDatagrams } from './connect-datagrams.js';
import { connectSocket } from './connect-socket.js';
import { knock } from './knock.js';
import { portOf } from './target.js';

/**
 * Where a real server is for the way to its own address.
 *
 * @example
 * ```ts
 * import type { AddressWayOptions } from 'tunvs/health';
 *
 * const options: AddressWayOptions = { address: '192.0.2.11', port: 80 };
 * console.log(options.address); // 192.0.2.11
 * ```
 */
export interface AddressWayOptions {
  /** The real server's own address (RIP). */
  address: string;
  /** The port of the real server. */
  port: number;
  /** The address of this host that checks come from; the kernel's choice by default. */
  sourceAddress?: string;
}

/**
 * Makes the way that keepalived's checks take: it passes neither the virtual address nor the tunnel.
 *
 * @example
 * ```ts
 * import { addressWay } from 'tunvs/health';
 *
 * const way = addressWay({ address: '192.0.2.11', port: 80 });
 * console.log(way.name); // address
 * ```
 */
export function addressWay({ address, port, sourceAddress }: AddressWayOptions): Way {
  const source = sourceAddress === undefined ? {} : { localAddress: sourceAddress };
  // A name, or an address with a zone, is for Node's sockets alone.
  const canKnock = isIP(address) !== 0 && !address.includes('%');
  const at = (options?: { port?: number }) => ({ host: address, port: portOf({ port }, options?.port), ...source });
  return {
    name: 'address',
    address,
    port,
    connect: async (signal, options) => connectSocket(at(options), signal),
    ...(canKnock && {
      knock: async (signal: AbortSignal, options?: { port?: number }) => knock(at(options), signal),
    }),
    datagrams: async (signal, options) => connectDatagrams({ address, ...at(options) }, signal),
  };
}
