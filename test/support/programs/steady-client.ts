/**
 * A client that keeps connections: each sends a numbered request over one HTTP connection again and again, and counts
 * what was not answered, and how long the longest answer took. It opens no second connection.
 */
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { serveAgent } from '../../../lib/lab/agent.js';
import type { SteadyRequest, SteadyResult } from '../steady.js';

let isRunning = false;
let workers: Promise<void>[] = [];
let result: SteadyResult = noResult();
/** The answers of each connection so far. */
let answers: number[] = [];

function noResult(): SteadyResult {
  return { answered: 0, longestMs: 0, failures: [] };
}

async function open({ address, port }: SteadyRequest): Promise<Socket> {
  const socket = connect({ host: address, port });
  await once(socket, 'connect');
  socket.setNoDelay(true);
  return socket;
}

async function work(socket: Socket, number: number, { intervalMs }: SteadyRequest): Promise<void> {
  let text = '';
  let answered = () => {};
  socket.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
    if (text.includes('}')) answered();
  });
  const ended = new Promise<never>((_, reject) => {
    socket.once('error', reject).once('close', () => reject(new Error('closed')));
  });
  ended.catch(() => {});
  try {
    while (isRunning) {
      text = '';
      const answer = new Promise<void>((resolve) => {
        answered = resolve;
      });
      const began = performance.now();
      socket.write('GET / HTTP/1.1\r\nhost: steady\r\n\r\n');
      await Promise.race([answer, ended]);
      result.answered += 1;
      answers[number] = (answers[number] ?? 0) + 1;
      result.longestMs = Math.max(result.longestMs, performance.now() - began);
      await Promise.race([delay(intervalMs), ended]);
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    result.failures.push({ localPort: socket.localPort ?? 0, reason: code ?? message });
    answers[number] = Infinity;
  } finally {
    socket.destroy();
  }
}

function taken(): SteadyResult {
  const seen = result;
  result = { ...noResult() };
  return seen;
}

serveAgent({
  async start(request: SteadyRequest) {
    taken();
    isRunning = true;
    const sockets = await Promise.all(Array.from({ length: request.connections }, () => open(request)));
    answers = sockets.map(() => 0);
    workers = sockets.map((socket, number) => work(socket, number, request));
  },
  /** Returns what has come since the last call once each connection has been answered `times` more, or has ended. */
  async answered({ times }: { times: number }) {
    const before = [...answers];
    while (answers.some((count, number) => count < (before[number] ?? 0) + times)) await delay(10);
    return taken();
  },
  async stop() {
    isRunning = false;
    await Promise.all(workers);
    return taken();
  },
});
