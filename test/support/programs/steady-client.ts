/**
 * A client that keeps connections: each sends a numbered request over one HTTP connection again and again, and counts
 * what was not answered, and how long the longest answer took. It opens no second connection.
 */
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { serveAgent } from '../../../lib/lab/agent.js';
import type { SteadyEnd, SteadyRequest, SteadyResult } from '../steady.js';

/** How many connections are opened at once: a device's queue takes some hundreds of packets. */
const AT_ONCE = 100;
/** The first retransmission comes after 200 ms, the second 400 ms later: what takes longer has lost two packets. */
const LATE_MS = 1000;

interface Kept extends SteadyEnd {
  socket: Socket;
  /** Rejects when it ends. */
  ended: Promise<never>;
  /** Answers so far; Infinity: it has ended. */
  answers: number;
}

let isRunning = false;
let request: SteadyRequest;
const kept: Kept[] = [];
let workers: Promise<void>[] = [];
let result: SteadyResult = noResult();

function noResult(): SteadyResult {
  return { answered: 0, late: 0, longestMs: 0, failures: [], unanswered: [] };
}

const endOf = ({ localAddress, localPort }: SteadyEnd): SteadyEnd => ({ localAddress, localPort });

async function open(number: number): Promise<Kept> {
  const { address: host, port, from = [] } = request;
  const localAddress = from[number % from.length];
  const socket = connect({ host, port, ...(localAddress !== undefined && { localAddress }) });
  await once(socket, 'connect');
  socket.setNoDelay(true);
  const ended = new Promise<never>((_, reject) => {
    socket.once('error', reject).once('close', () => reject(new Error('closed')));
  });
  ended.catch(() => {});
  return { socket, ended, localAddress: socket.localAddress ?? '', localPort: socket.localPort ?? 0, answers: 0 };
}

async function work(connection: Kept): Promise<void> {
  const { socket, ended } = connection;
  let text = '';
  let answered = () => {};
  socket.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
    if (text.includes('}')) answered();
  });
  try {
    while (isRunning) {
      text = '';
      const answer = new Promise<void>((resolve) => {
        answered = resolve;
      });
      const began = performance.now();
      socket.write('GET / HTTP/1.1\r\nhost: steady\r\n\r\n');
      await Promise.race([answer, ended]);
      const tookMs = performance.now() - began;
      result.answered += 1;
      connection.answers += 1;
      if (tookMs >= LATE_MS) result.late += 1;
      result.longestMs = Math.max(result.longestMs, tookMs);
      await Promise.race([delay(request.intervalMs), ended]);
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    result.failures.push({ ...endOf(connection), reason: code ?? message });
    connection.answers = Infinity;
  } finally {
    socket.destroy();
  }
}

function begin(): void {
  isRunning = true;
  workers = kept.map(work);
}

function taken(): SteadyResult {
  const seen = result;
  result = noResult();
  return seen;
}

serveAgent({
  async start(wanted: SteadyRequest) {
    request = wanted;
    taken();
    for (let first = 0; first < request.connections; first += AT_ONCE) {
      const count = Math.min(AT_ONCE, request.connections - first);
      kept.push(...(await Promise.all(Array.from({ length: count }, (_, i) => open(first + i)))));
    }
    if (request.isHeld !== true) begin();
  },
  begin,
  async answered({ times, limitMs }: { times: number; limitMs: number }) {
    const wanted = new Map(kept.map((each) => [each, each.answers + times]));
    const missing = () => kept.filter((each) => each.answers < (wanted.get(each) ?? 0));
    const until = performance.now() + limitMs;
    while (performance.now() < until && missing().length > 0) await delay(20);
    const unanswered = missing().map(endOf);
    return { ...taken(), unanswered };
  },
  ends: () => kept.filter(({ answers }) => answers !== Infinity).map(endOf),
  async stop() {
    isRunning = false;
    await Promise.all(workers);
    for (const { socket } of kept.splice(0)) socket.destroy();
    return taken();
  },
});
