/** Sends one command to the daemon and yields what it answers, as it comes. */
import { type IncomingMessage, request } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { AdmFailure, connectFailure, diedFailure, foreignFailure, refusal } from './failure.js';

export type Body = string | AsyncIterable<string>;

export type Piece = { out: string } | { err: string } | { exit: number };

/** The daemon's pieces have 64 KiB; a line beyond this is of something else. */
const MAX_LINE_BYTES = 16 * 1024 * 1024;
const MAX_PROBLEM_BYTES = 64 * 1024;

/** The last piece is `exit`; without it the answer is a failure. Throws AdmFailure. */
export async function* ask(socket: string, body: Body, signal?: AbortSignal): AsyncGenerator<Piece, void, undefined> {
  const response = await send(socket, body, signal);
  try {
    if (response.statusCode !== 200) throw refusal(socket, response.statusCode, await beginning(response));
    let hasEnded = false;
    for await (const line of lines(response, socket)) {
      const piece = readPiece(line, socket);
      yield piece;
      hasEnded ||= 'exit' in piece;
    }
    if (!hasEnded) throw diedFailure(socket);
  } catch (error) {
    throw error instanceof AdmFailure ? error : diedFailure(socket);
  } finally {
    response.destroy();
  }
}

/** A daemon that refuses answers before it has read all of the body; the rest is not sent then. */
function send(socketPath: string, body: Body, signal?: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = request({
      socketPath,
      method: 'POST',
      path: '/v1/ipvsadm',
      headers: {
        host: 'localhost',
        'content-type': 'application/json',
        accept: 'application/x-ndjson',
        // A server that closes before it has read the body takes its answer along: the kernel resets the connection.
        connection: 'keep-alive',
      },
      agent: false,
      ...(signal && { signal }),
    });
    const fail = (error: Error) => {
      outgoing.destroy();
      reject(error instanceof AdmFailure ? error : connectFailure(socketPath, error));
    };
    outgoing.on('response', resolve).on('error', fail);
    if (typeof body === 'string') return void outgoing.end(body);
    // A refusal may close the connection while the body is under way, and its answer comes after the failed write.
    pipeline(Readable.from(body), outgoing).catch((error) => (error instanceof AdmFailure ? fail(error) : undefined));
  });
}

async function* lines(response: IncomingMessage, socket: string): AsyncGenerator<string> {
  let parts: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    let rest = chunk;
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      yield Buffer.concat([...parts, rest.subarray(0, end)]).toString();
      parts = [];
      length = 0;
      rest = rest.subarray(end + 1);
    }
    parts.push(rest);
    length += rest.length;
    if (length > MAX_LINE_BYTES) throw foreignFailure(socket);
  }
  if (length > 0) throw diedFailure(socket);
}

function readPiece(line: string, socket: string): Piece {
  try {
    const piece = JSON.parse(line);
    if (typeof piece.out === 'string' || typeof piece.err === 'string') return piece;
    if (Number.isInteger(piece.exit) && piece.exit >= 0 && piece.exit < 256) return piece;
  } catch {
    // It is no JSON.
  }
  throw foreignFailure(socket);
}

async function beginning(response: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of response) {
    text += chunk;
    if (text.length > MAX_PROBLEM_BYTES) break;
  }
  return text;
}
