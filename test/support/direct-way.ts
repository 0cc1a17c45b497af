/** A way straight to an address, over plain sockets, for tests of checks. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import {
  type Check,
  type CheckContext,
  CheckFailure,
  type Datagrams,
  type Way,
} from '../../lib/health/checks/check.js';
import type { Finding } from '../../lib/health/checks/check.js';

const reasonOf = (error: NodeJS.ErrnoException) => (error.code === 'ECONNREFUSED' ? 'refused' : 'unreachable');

export function directWay(address: string, port: number): Way {
  return {
    name: 'address',
    address,
    port,
    connect: async (signal, { port: other } = {}) => {
      const socket = connect({ host: address, port: other ?? port });
      try {
        await once(socket, 'connect', { signal });
      } catch (error) {
        socket.destroy();
        throw signal.aborted ? signal.reason : new CheckFailure(reasonOf(error as never), (error as Error).message);
      }
      signal.addEventListener('abort', () => socket.destroy(), { once: true });
      return socket;
    },
    datagrams: async (_signal, { port: other } = {}) => datagrams(address, other ?? port),
  };
}

async function datagrams(address: string, port: number): Promise<Datagrams> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  const arrived: (Buffer | Error)[] = [];
  let wake = () => {};
  const take = (each: Buffer | Error) => {
    arrived.push(each);
    wake();
  };
  socket.on('message', take).on('error', take);
  socket.connect(port, address);
  await once(socket, 'connect');
  return {
    send: (payload) => socket.send(payload),
    receive: async (signal) => {
      while (arrived.length === 0) {
        signal.throwIfAborted();
        const next = new Promise<void>((resolve) => {
          wake = resolve;
        });
        signal.addEventListener('abort', wake, { once: true });
        await next;
        signal.removeEventListener('abort', wake);
      }
      const first = arrived.shift() as Buffer | Error;
      if (first instanceof Error) throw new CheckFailure(reasonOf(first), first.message);
      return first;
    },
    [Symbol.dispose]: () => {
      wake();
      socket.close();
    },
  };
}

/** What a check is told about a server at this address. */
export function contextOf(address: string, port: number, signal?: AbortSignal): CheckContext {
  return {
    server: { address, port, service: { protocol: 'tcp', address: '192.0.2.1', port: 80 } },
    way: directWay(address, port),
    signal: signal ?? new AbortController().signal,
  };
}

/** What the check finds, a failure that it throws included. */
export async function found(check: Check, context: CheckContext): Promise<Finding> {
  try {
    return await check.run(context);
  } catch (error) {
    if (!(error instanceof CheckFailure)) throw error;
    return { passed: false, reason: error.reason, message: error.message, ...(error.mend && { mend: error.mend }) };
  }
}
