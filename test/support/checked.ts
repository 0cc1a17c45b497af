/** Runs checks against servers on loopback, and counts what they leave open. */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { type Check, CheckFailure, type Finding } from '../../lib/health/checks/check.js';
import { addressWay } from '../../lib/health/way/address-way.js';
import { eventuallyHolds } from './eventually.js';

/** No healthy check on loopback needs as much. */
const FAR_MS = 20_000;

const SERVICE = { protocol: 'tcp', address: '192.0.2.80', port: 80 };

/** Runs the check; a failure that it throws becomes a finding, and nothing else may be thrown. */
export async function findingOf(check: Check, port: number, signal = AbortSignal.timeout(FAR_MS)): Promise<Finding> {
  const server = { address: '127.0.0.1', port, service: SERVICE };
  try {
    return await check.run({ server, way: addressWay(server), signal });
  } catch (error) {
    assert.ok(error instanceof CheckFailure, `${check.kind} threw ${error instanceof Error ? error.stack : error}`);
    const { reason, message, mend, isOwnFault } = error;
    return { passed: false, reason, message, ...(mend !== undefined && { mend }), ...(isOwnFault && { isOwnFault }) };
  }
}

export interface LoopbackServer extends AsyncDisposable {
  port: number;
  /** Each connection that was taken. */
  readonly taken: readonly Socket[];
}

/** Listens on a free port of 127.0.0.1. */
export async function listen(server: Server): Promise<LoopbackServer> {
  const open = new Set<Socket>();
  const taken: Socket[] = [];
  server.on('connection', (socket: Socket) => {
    taken.push(socket);
    open.add(socket);
    socket.on('error', () => {}).on('close', () => open.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    taken,
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A server that does `speak` with each connection. */
export const serve = (speak: (socket: Socket) => void): Promise<LoopbackServer> =>
  listen(
    createServer((socket) => {
      socket.on('error', () => {});
      speak(socket);
    }),
  );

/** Returns a port of 127.0.0.1 that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = await serve(() => {});
  await server[Symbol.asyncDispose]();
  return server.port;
}

const openSockets = () => process.getActiveResourcesInfo().filter((name) => /TCP|UDP|TLS|HTTP/i.test(name));

/** Runs `use`, and asserts that afterwards no more sockets are open than before. */
export async function leavesNothingOpen(use: () => Promise<void>): Promise<void> {
  const before = openSockets();
  await use();
  await eventuallyHolds(async () => {
    const after = openSockets();
    assert.ok(after.length <= before.length, `open before: ${before}; open after: ${after}`);
  });
}

/** Aborts when `isTime` resolves, as the time limit of a check does. */
export function abortedBy(isTime: Promise<unknown>): AbortSignal {
  const controller = new AbortController();
  void isTime.then(() => controller.abort(new DOMException('the time is over', 'TimeoutError')));
  return controller.signal;
}
