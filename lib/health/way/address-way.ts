/** The way to a real server's own address. */
import type { Way } from '../checks/check.js';
import { connectDatagrams } from './connect-datagrams.js';
import { connectSocket } from './connect-socket.js';

export interface AddressWayOptions {
  /** The real server's own address (RIP). */
  address: string;
  port: number;
  /** The address of this host that checks come from; the kernel's choice by default. */
  sourceAddress?: string;
}

/** Makes the way that keepalived's checks take: it passes neither the virtual address nor the tunnel. */
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
