/**
 * A client that asks all the time: each of its workers opens a connection, sends a request after a moment, reads the
 * answer to its end, and begins again. It notes each request that was not answered, with its port.
 */
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { serveAgent } from '../../../lib/lab/agent.js';
import type { LoadRequest, LoadResult } from '../load.js';

/** The director may still have a connection of a port that is used again soon, so they are used in turn. */
const FIRST_PORT = 10_000;
const PORTS = 50_000;
const REQUEST = 'GET / HTTP/1.0\r\n\r\n';

let ports = 0;
let isRunning = false;
let workers: Promise<void>[] = [];
let result: LoadResult = { answered: 0, servers: {}, failures: [] };

/** Resolves with the name of the server that answered; rejects when the answer is not whole. */
function ask({ address, port, mostIdleMs, timeoutMs }: LoadRequest, localPort: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect({ host: address, port, localPort }, async () => {
      // A connection that waits is one that its server holds.
      await delay(Math.random() * mostIdleMs);
      socket.write(REQUEST);
    });
    // A client that waits for its answer sends nothing else, and a reset answers a packet.
    socket.setKeepAlive(true, 1000);
    const timer = setTimeout(() => socket.destroy(new Error('no answer')), timeoutMs);
    socket.setEncoding('utf8').on('data', (piece) => {
      text += piece;
    });
    socket.once('error', reject).once('close', () => {
      clearTimeout(timer);
      const server = /"server":"(\w+)".*\}$/s.exec(text)?.[1];
      if (server === undefined) reject(new Error('closed'));
      else resolve(server);
    });
  });
}

async function work(request: LoadRequest): Promise<void> {
  while (isRunning) {
    const localPort = FIRST_PORT + (ports++ % PORTS);
    try {
      const server = await ask(request, localPort);
      result.answered += 1;
      result.servers[server] = (result.servers[server] ?? 0) + 1;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      // Another program of the client has the port.
      if (code === 'EADDRINUSE') continue;
      result.failures.push({ localPort, reason: code ?? message });
    }
  }
}

function taken(): LoadResult {
  const seen = result;
  result = { answered: 0, servers: {}, failures: [] };
  return seen;
}

serveAgent({
  start(request: LoadRequest) {
    taken();
    isRunning = true;
    workers = Array.from({ length: request.workers }, () => work(request));
  },
  /** Returns what has ended since the last call, and goes on. */
  taken,
  async stop() {
    isRunning = false;
    await Promise.all(workers);
    return taken();
  },
});
