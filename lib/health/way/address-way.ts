/** The way to a real server's own address. */
import type { Way } from '../checks/check.js';
import { connectDatagrams } from './connect-datagrams.js';
import { connectSocket } from './connect-socket.js';

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
  return {
    name: 'address',
    address,
    port,
    connect: (signal, options) => connectSocket({ host: address, port: options?.port ?? port, ...source }, signal),
    datagrams: (signal, options) => connectDatagrams({ address, port: options?.port ?? port, ...source }, signal),
  };
}
