/**
 * Knocks at a control server's socket, as its arguments say: the path, and a way of knocking. Prints "ready" when the
 * server has borne it for some seconds, and the number of its answers for each line that it reads. Ends with its input.
 */
import { writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

export type Knock = 'idle' | 'slow' | 'half' | 'hasty' | 'malformed' | 'oversized' | 'cheap' | 'dear' | 'stream';

const [path = '', given = 'cheap'] = process.argv.slice(2);
const knock = given as Knock;
const agent = new Agent({ keepAlive: true });
/** What clients find at the beginning, having been away, is not what they get for long. */
const SETTLED_MS = 4000;
let answers = 0;

const ask = (of: string, headers = {}) =>
  new Promise<void>((resolve) => {
    const asked = request({ agent, socketPath: path, path: of, headers }, (answer) => {
      answers++;
      answer.resume().once('close', resolve);
    });
    asked.on('error', () => resolve());
    asked.end();
  });

const visit = (beginning: string, then: (socket: Socket) => void = () => {}) =>
  new Promise<void>((resolve) => {
    const socket = connect(path, () => {
      socket.write(beginning);
      then(socket);
    });
    socket.on('data', () => answers++);
    socket.on('error', () => {}).on('close', () => resolve());
  });

/** One that was thrown out comes again. */
const idle = () =>
  new Promise<void>((resolve) => {
    connect(path)
      .on('error', () => {})
      .on('close', () => delay(1000).then(resolve));
  });

const GET = 'GET /health HTTP/1.1\r\nHost: a\r\n';

/** A header every second, and no end of them. */
function drip(socket: Socket): void {
  const timer = setInterval(() => socket.write('A: b\r\n'), 1000);
  socket.once('close', () => clearInterval(timer));
}

const deeds: Record<Knock, { clients: number; deed: () => Promise<void> }> = {
  idle: { clients: 1000, deed: idle },
  slow: { clients: 1000, deed: () => visit(GET, drip) },
  half: { clients: 64, deed: () => visit(`${GET}\r\n`, (socket) => socket.end()) },
  hasty: { clients: 64, deed: () => visit('', (socket) => socket.destroy()) },
  malformed: { clients: 64, deed: () => visit('babble\r\n\r\n') },
  oversized: { clients: 64, deed: () => visit(`${GET}A: ${'x'.repeat(100_000)}\r\n\r\n`) },
  cheap: { clients: 64, deed: () => ask('/health') },
  dear: { clients: 64, deed: () => ask('/metrics') },
  stream: { clients: 64, deed: () => ask('/v1/connections', { accept: 'application/x-ndjson' }) },
};

const { clients, deed } = deeds[knock];
for (let client = 0; client < clients; client++)
  void (async () => {
    await delay(client);
    for (;;) await deed();
  })();
await delay(clients + SETTLED_MS);
// The kernel shares a CPU between sessions before it looks at the priorities of processes: sched(7).
try {
  writeFileSync('/proc/self/autogroup', '19');
} catch {
  // This kernel does not group sessions.
}
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) console.log(`${line} ${answers}`);
process.exit();
