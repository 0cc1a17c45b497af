/** What the door itself answers: problems of RFC 9457, short ones, made without the application. */
import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { TunvsErrorCode } from '../../values/errors.js';
import { PROBLEM_MEDIA, problemType } from '../problem.js';

export interface Problem {
  readonly status: number;
  /** One sentence with the mend. */
  readonly detail: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export const RETRY: Problem['headers'] = { 'Retry-After': '1' };

/** A client that does not take the few bytes of a refusal is cut after this. */
const FAREWELL_MS = 1000;

/** Everything else is wrong with what the client has sent. */
const CODES: Readonly<Record<number, TunvsErrorCode>> = {
  401: 'ERR_TUNVS_PERMISSION',
  403: 'ERR_TUNVS_PERMISSION',
  408: 'ERR_TUNVS_LIMIT',
  413: 'ERR_TUNVS_LIMIT',
  429: 'ERR_TUNVS_LIMIT',
  431: 'ERR_TUNVS_LIMIT',
  500: 'ERR_TUNVS_SYSTEM',
  501: 'ERR_TUNVS_UNSUPPORTED',
  503: 'ERR_TUNVS_LIMIT',
};

function bodyOf({ status, detail }: Problem): string {
  const code = CODES[status] ?? 'ERR_TUNVS_INVALID_ARGUMENT';
  return JSON.stringify({ type: problemType(code), title: STATUS_CODES[status], status, code, detail });
}

export function sendProblem(outgoing: ServerResponse, problem: Problem): void {
  const body = bodyOf(problem);
  outgoing.writeHead(problem.status, {
    ...problem.headers,
    'Content-Type': PROBLEM_MEDIA,
    'Content-Length': Buffer.byteLength(body),
  });
  outgoing.end(body);
}

export function responseOf(problem: Problem): Response {
  return new Response(bodyOf(problem), {
    status: problem.status,
    headers: { ...problem.headers, 'Content-Type': PROBLEM_MEDIA },
  });
}

/** Answers a client that has not got as far as a request, and closes the connection. */
export function refuseClient(socket: Socket, problem: Problem): void {
  if (!socket.writable || socket.writableEnded) {
    socket.destroy();
    return;
  }
  const body = bodyOf(problem);
  const lines = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    ...Object.entries(problem.headers ?? {}).map(([name, value]) => `${name}: ${value}`),
    `Content-Type: ${PROBLEM_MEDIA}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.on('error', () => {});
  // What it still sends is read and dropped: closing a socket with unread bytes may take the answer back.
  socket.resume();
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`);
  setTimeout(() => socket.destroy(), FAREWELL_MS).unref();
  socket.once('end', () => socket.destroy());
}
