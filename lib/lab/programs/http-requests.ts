/** Sends HTTP requests and checks what comes back. */
import { createHash } from 'node:crypto';
import { Agent, type IncomingMessage, request } from 'node:http';
import { Readable } from 'node:stream';
import { pattern, patternSha256 } from '../pattern.js';
import type { FetchManyRequest, FetchManyResult, FetchRequest, FetchResult } from './requests.js';

const MAX_FAILURES = 20;

const connections = new Map<string, Agent>();

/** The ports lie below those that the kernel assigns. */
const FIRST_PORT = 10_000;
const PORTS = 22_000;
let ports = process.pid * 64;

/**
 * Gives each connection a port of its own. The kernel assigns a port again as soon as it is free, but the director,
 * which does not see the server's side, may still have a connection under it. Such a request would go to that
 * connection's real server, and shares would no longer follow the scheduler.
 */
const nextPort = (): number => FIRST_PORT + (ports++ % PORTS);

function agentOf(connection: string | undefined): Agent {
  if (connection === undefined) return new Agent({ keepAlive: false });
  const agent = connections.get(connection) ?? new Agent({ keepAlive: true, maxSockets: 1, timeout: 120_000 });
  connections.set(connection, agent);
  return agent;
}

export function closeConnection({ connection }: { connection: string }): void {
  connections.get(connection)?.destroy();
  connections.delete(connection);
}

export async function fetchOnce(asked: FetchRequest): Promise<FetchResult> {
  const { response, localPort } = await send(asked);
  const hash = createHash('sha256');
  let receivedBytes = 0;
  let text = '';
  for await (const chunk of response as AsyncIterable<Buffer>) {
    hash.update(chunk);
    receivedBytes += chunk.length;
    if (asked.downloadBytes === undefined) text += chunk.toString();
  }
  const server = String(response.headers['x-real-server']);
  const intact =
    asked.downloadBytes === undefined
      ? isAcknowledged(text, server, asked.uploadBytes ?? 0)
      : receivedBytes === asked.downloadBytes && hash.digest('hex') === patternSha256(asked.downloadBytes);
  return { server, localPort, receivedBytes, intact };
}

/** The server says what it has received. */
function isAcknowledged(text: string, server: string, uploadBytes: number): boolean {
  const answer = JSON.parse(text) as { server: string; bytes: number; sha256: string };
  return answer.server === server && answer.bytes === uploadBytes && answer.sha256 === patternSha256(uploadBytes);
}

function send(asked: FetchRequest): Promise<{ response: IncomingMessage; localPort: number }> {
  const {
    address,
    port,
    localAddress,
    connection,
    downloadBytes,
    uploadBytes,
    holdAfterBytes,
    timeoutMs = 10_000,
  } = asked;
  return new Promise((resolve, reject) => {
    const outgoing = request({
      host: address,
      port,
      ...(localAddress !== undefined && { localAddress }),
      localPort: nextPort(),
      agent: agentOf(connection),
      method: uploadBytes === undefined ? 'GET' : 'POST',
      path: downloadBytes === undefined ? '/' : `/bytes/${downloadBytes}`,
      headers: uploadBytes === undefined ? {} : { 'content-length': uploadBytes },
      signal: AbortSignal.timeout(timeoutMs),
    });
    const isTaken = (error: NodeJS.ErrnoException) => error.code === 'EADDRINUSE';
    outgoing.on('error', (error) => (isTaken(error) ? resolve(send(asked)) : reject(error)));
    outgoing.on('response', (response) => resolve({ response, localPort: response.socket.localPort ?? 0 }));
    if (uploadBytes === undefined) outgoing.end();
    else Readable.from(upload(uploadBytes, holdAfterBytes)).pipe(outgoing);
  });
}

let resumeUploads: (() => void)[] = [];

async function* upload(bytes: number, holdAfterBytes = Number.POSITIVE_INFINITY): AsyncGenerator<Buffer> {
  let isHeld = false;
  let sentBytes = 0;
  for (const chunk of pattern(bytes)) {
    if (!isHeld && sentBytes >= holdAfterBytes) {
      isHeld = true;
      await new Promise<void>((resolve) => resumeUploads.push(resolve));
    }
    yield chunk;
    sentBytes += chunk.length;
  }
}

/** Lets the uploads that wait now go on. */
export function resume(): void {
  for (const go of resumeUploads) go();
  resumeUploads = [];
}

/** With `connection` each of the concurrent requesters keeps one connection of its own; they are closed at the end. */
export async function fetchMany({ requests, concurrency, ...asked }: FetchManyRequest): Promise<FetchManyResult> {
  const result: FetchManyResult = { answered: 0, intact: 0, receivedBytes: 0, servers: {}, moved: 0, failures: [] };
  let next = 0;
  const requester = async (index: number) => {
    const connection = asked.connection === undefined ? {} : { connection: `${asked.connection}.${index}` };
    let last: string | undefined;
    while (next < requests) {
      next += 1;
      try {
        const { server, receivedBytes, intact } = await fetchOnce({ ...asked, ...connection });
        result.answered += 1;
        result.intact += intact ? 1 : 0;
        result.receivedBytes += receivedBytes;
        result.servers[server] = (result.servers[server] ?? 0) + 1;
        if (asked.connection !== undefined && last !== undefined && last !== server) result.moved += 1;
        last = server;
      } catch (error) {
        if (result.failures.length < MAX_FAILURES) result.failures.push((error as Error).message);
      }
    }
    if (connection.connection !== undefined) closeConnection({ connection: connection.connection });
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, requests) }, (_, index) => requester(index)));
  return result;
}
