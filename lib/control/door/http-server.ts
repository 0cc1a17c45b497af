/** An HTTP server of Node's that lets clients in by the census, and answers within the limits. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { CHALLENGE } from '../problem.js';
import { type AnswerParts, answer, refuseRequest } from './answer.js';
import { letClientsIn } from './accept-queue.js';
import type { Begun, Census, Refusal } from './census.js';
import type { Access } from './door.js';
import { hasOneHost, isWrittenByPage } from './host-names.js';
import { type Problem, RETRY, refuseClient } from './problem.js';

/** Who a client is, before it has said anything. */
export interface Caller {
  /** Clients with the same one share limits. */
  readonly peer: string;
  /** Why it is not let in. */
  readonly refused?: Problem;
}

export interface ServerParts extends AnswerParts {
  census: Census;
  /** Where it listens, in a word. */
  place: string;
  callerOf(socket: Socket): Caller;
  /** What a request is allowed, or why it is not answered. */
  accessOf(incoming: IncomingMessage): Access | Problem;
}

/** Those beyond the limit of clients are told so; those beyond this too are closed without a word. */
const TOLD_AT_ONCE = 64;

/** About what it takes of the loop's time to parse a request; what follows is measured. */
const PARSE_MS = 0.04;

/** About what it takes of the loop's time to let a client go, which happens when it pleases the client. */
const LEAVE_MS = 0.2;

/** Who may write may do much at once. A restore of thousands of rules does not close the door for minutes. */
const MOST_OF_A_CHANGE_MS = 50;

/** Clients that were told that they have asked for too much at once. */
const told = new WeakSet<Socket>();

/** What a client that says nothing any more may wait. */
const HALF_CLOSED_MS = 1000;

const BUSY: Problem = {
  status: 503,
  detail: 'the control server has as many clients as it takes: try again',
  headers: RETRY,
};

const REFUSALS: Readonly<Record<Refusal, Problem>> = {
  busy: { status: 503, detail: 'the control server answers as many requests as it can: try again', headers: RETRY },
  'peer busy': { status: 429, detail: 'too many requests of one user or address at once: try again', headers: RETRY },
  pipelined: { status: 429, detail: 'too many requests on one connection at once: await the answers', headers: RETRY },
};

export interface DoorServer {
  readonly server: Server;
  /** Clients get in from now on. REQUIRES: it listens, its address was read, and its file is in its place. */
  letIn(): void;
}

export function makeServer(parts: ServerParts): DoorServer {
  const { limits, census, summary, budget } = parts;
  const server = createServer({
    maxHeaderSize: limits.headerBytes,
    headersTimeout: Math.min(limits.headerMs, limits.requestMs),
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.idleMs,
    requireHostHeader: false, // refusalOf() says it in the form of the other refusals
    connectionsCheckingInterval: Math.ceil(Math.min(1000, limits.headerMs / 4, limits.requestMs / 4)),
  });
  server.maxHeadersCount = 0; // it would drop what is beyond without a word; bytes are bounded anyway
  server.maxRequestsPerSocket = limits.requestsPerConnection;
  server.maxConnections = limits.clients + TOLD_AT_ONCE;
  // A client that has shut down its half still gets its answer, if that comes soon: one that is gone looks the same.
  (server as Server & { httpAllowHalfOpen: boolean }).httpAllowHalfOpen = true;

  const [accept] = server.listeners('connection');
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    const { peer, refused } = parts.callerOf(socket);
    const waitMs = refused === undefined ? census.admit(socket, peer, performance.now()) : 0;
    if (refused !== undefined || waitMs === undefined) {
      summary.count(refused ? 'clients without permission' : 'clients beyond the limit');
      refuseClient(socket, refused ?? BUSY);
      return;
    }
    socket.once('close', () => {
      census.leave(socket);
      budget.charge(LEAVE_MS);
    });
    socket.once('end', () => setTimeout(() => socket.destroy(), HALF_CLOSED_MS).unref());
    const hear = () => {
      if (!socket.destroyed) accept?.call(server, socket);
    };
    if (waitMs === 0) hear();
    else setTimeout(() => socket.once('close', budget.wait(peer, hear)), waitMs);
  });
  const dropped = () => summary.count('clients beyond the limit');

  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (error.code === 'ECONNRESET' || error.code === 'EPIPE' || !socket.writable) {
      socket.destroy();
      return;
    }
    const problem = problemOf(error);
    summary.count(problem.status === 408 ? 'clients that were too slow' : 'malformed requests');
    // An answer to an earlier request may be half written.
    if (census.isAnswered(socket)) socket.destroy();
    else refuseClient(socket, problem);
  });

  const onRequest = (incoming: IncomingMessage, outgoing: ServerResponse, isExpected = false) => {
    handle(incoming, outgoing, isExpected, parts).catch((error) => {
      summary.failed(error);
      outgoing.destroy();
    });
  };
  server.on('request', (incoming, outgoing) => onRequest(incoming, outgoing));
  server.on('checkContinue', (incoming, outgoing) => onRequest(incoming, outgoing, true));
  return { server, letIn: () => letClientsIn(server, { place: parts.place, budget, dropped }) };
}

async function handle(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  isExpected: boolean,
  parts: ServerParts,
): Promise<void> {
  const { census, budget } = parts;
  const { socket, method } = incoming;
  budget.charge(PARSE_MS);
  const begun = census.begin(socket, performance.now());
  if (typeof begun === 'string') {
    parts.summary.count('requests beyond the limit');
    if (begun === 'pipelined') {
      outgoing.shouldKeepAlive = false;
      // What follows has no answer: this one is the last.
      if (told.has(socket)) return;
      told.add(socket);
      socket.pause();
    }
    // A refusal that came at once would be an invitation.
    await budget.turn(census.peerOf(socket) ?? '');
    return refuseRequest(incoming, outgoing, REFUSALS[begun], parts.limits.stalledMs);
  }
  const { gone, peer } = begun;
  try {
    if (begun.waitMs > 0) await delay(begun.waitMs);
    const isReading = method === 'GET' || method === 'HEAD';
    await budget.turn(peer, gone, isReading ? undefined : MOST_OF_A_CHANGE_MS);
    const next = () => budget.turn(peer, gone);
    if (!gone.aborted) await answerBegun(incoming, outgoing, isExpected, { ...parts, ...begun, next });
  } finally {
    begun.end();
  }
}

async function answerBegun(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  isExpected: boolean,
  parts: ServerParts & Begun & Pick<Parameters<typeof answer>[3], 'next'>,
): Promise<void> {
  const { limits, summary, gone } = parts;
  const problem = refusalOf(incoming, parts);
  if (problem !== undefined) {
    summary.count('malformed requests');
    return refuseRequest(incoming, outgoing, problem, limits.stalledMs, gone);
  }
  const access = parts.accessOf(incoming);
  if (typeof access !== 'string') {
    summary.count('requests without permission');
    return refuseRequest(incoming, outgoing, access, limits.stalledMs, gone);
  }
  const length = Number(incoming.headers['content-length'] ?? 0);
  if (isExpected && length <= limits.bodyBytes) outgoing.writeContinue();
  return answer(incoming, outgoing, access, parts);
}

function refusalOf(incoming: IncomingMessage, { limits }: ServerParts): Problem | undefined {
  if (incoming.rawHeaders.length / 2 > limits.headers)
    return { status: 431, detail: `a request has at most ${limits.headers} headers` };
  const { httpVersion, headers } = incoming;
  if ((headers.host === undefined && httpVersion !== '1.0') || !hasOneHost(incoming))
    return { status: 400, detail: 'a request has one Host header' };
  if (isWrittenByPage(incoming))
    return { status: 403, detail: 'pages of browsers may not change the director: send no Origin header' };
  return undefined;
}

function problemOf({ code }: NodeJS.ErrnoException): Problem {
  if (code === 'HPE_HEADER_OVERFLOW') return { status: 431, detail: 'the headers of the request are too long' };
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return { status: 408, detail: 'the request did not come in time' };
  return { status: 400, detail: 'this is not a request of HTTP/1.1' };
}

/** For an `Authorization` header that gives nothing. */
export const WRONG_TOKEN: Problem = {
  status: 401,
  detail: 'the token is wrong: send "Authorization: Bearer TOKEN" with one of the server',
  headers: { 'WWW-Authenticate': `${CHALLENGE}, error="invalid_token"` },
};

/** Nobody can connect any more; resolves when all clients are gone. */
export function ended(server: Server): Promise<void> {
  if (!server.listening) return Promise.resolve();
  return new Promise((done) => server.close(() => done()));
}
