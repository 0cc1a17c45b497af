/**
 * Lets clients in a few at a time, as the loop's budget allows. The others wait in the kernel's queue, where they cost
 * nothing: Node itself would take whoever connects, at once, and make a Socket of each.
 */
import { type Server, Socket } from 'node:net';
import { native } from '../../native/addon.js';
import type { NativeListeningSocket } from '../../native/listening-socket.js';
import type { LoopBudget } from './loop-budget.js';

/** Clients of one turn. */
const AT_ONCE = 4;

/** Clients that have left before their turn cost some microseconds each; so many of them are a turn. */
const GONE_AT_ONCE = 64;

/** How long nobody is let in when the process has no descriptor left. */
const EXHAUSTED_MS = 100;

/** What Node has no public name for. A server is closed when it does not listen, and has no connection. */
interface Innards {
  _handle: { fd: number; close(): void } | null;
  _connections: number;
}

export interface AcceptParts {
  /** Those of one place take turns with those of others. */
  place: string;
  budget: LoopBudget;
  /** Is told of each client beyond `maxConnections`. */
  dropped(): void;
}

/** Lets clients of a server in from now on. REQUIRES: it listens, its address was read, and its file is in its place. */
export function letClientsIn(given: Server, { place, budget, dropped }: AcceptParts): void {
  const server = given as Server & Innards;
  const { _handle: handle } = server;
  if (handle === null) return; // closed meanwhile
  let stopWaiting = () => {};
  const socket = new native.ListeningSocket(handle.fd, () => {
    stopWaiting = budget.wait(place, letIn);
  });
  // Node closes its own descriptor of the socket, and so never accepts.
  handle.close();
  const letIn = () => {
    if (acceptSome(socket, server, dropped)) return socket.watch();
    const timer = setTimeout(() => socket.watch(), EXHAUSTED_MS).unref();
    stopWaiting = () => clearTimeout(timer);
  };
  const { close } = server;
  server.close = (done) => {
    server.close = close;
    stopWaiting();
    socket.close();
    return server.close(done);
  };
  socket.watch();
}

/** Returns whether the process has descriptors left. */
function acceptSome(listening: NativeListeningSocket, server: Server & Innards, dropped: () => void): boolean {
  for (let client = 0; client < AT_ONCE; client++) {
    let accepted: ReturnType<NativeListeningSocket['accept']>;
    try {
      accepted = listening.accept(GONE_AT_ONCE);
    } catch {
      // Clients wait in the kernel's queue until somebody has given a descriptor back.
      return false;
    }
    if (accepted?.descriptor === undefined) return true;
    const socket = new Socket({ fd: accepted.descriptor, allowHalfOpen: true });
    if (server._connections >= server.maxConnections) {
      socket.destroy();
      dropped();
      continue;
    }
    // The socket tells its server when it is closed.
    server._connections++;
    Object.assign(socket, { server, _server: server });
    server.emit('connection', socket);
  }
  return true;
}
