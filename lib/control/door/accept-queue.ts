/**
 * Lets clients in one by one, as the loop's budget allows. One that waits is a descriptor yet, and no Socket, which costs
 * many times as much: Node cannot be told to leave it in the kernel's queue.
 */
import type { Server } from 'node:net';
import type { LoopBudget } from './loop-budget.js';

/** Beyond it, clients are closed without a word. */
const MAX_WAITING = 1024;

interface Handle {
  close(): void;
}

/** What Node's own server calls for each client; it has been so since Node 0.12. */
interface ListeningHandle extends Handle {
  onconnection?(error: number, client?: Handle): void;
}

/** `place` is where `server` listens; places take turns. `dropped` is told of each client that was closed. */
export function queueClients(server: Server, place: string, budget: LoopBudget, dropped: () => void): void {
  const waiting = new Map<Handle, () => void>();
  server.on('listening', () => {
    const handle = (server as Server & { _handle?: ListeningHandle })._handle;
    const accept = handle?.onconnection;
    if (handle === undefined || accept === undefined) return;
    handle.onconnection = (error, client) => {
      if (error !== 0 || client === undefined) return accept.call(handle, error, client);
      if (waiting.size >= MAX_WAITING) {
        client.close();
        return dropped();
      }
      let isIn = false;
      const leave = budget.wait(place, () => {
        isIn = true;
        waiting.delete(client);
        if (server.listening) accept.call(handle, error, client);
        else client.close();
      });
      if (!isIn) waiting.set(client, leave);
    };
  });
  server.on('close', () => {
    for (const [client, leave] of waiting) {
      leave();
      client.close();
    }
    waiting.clear();
  });
}
