/** Answers one request by `fetch`, within the limits. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { TunvsError } from '../../values/errors.js';
import { within } from '../../values/within.js';
import { CHALLENGE } from '../problem.js';
import type { BodyBudget } from './body-budget.js';
import type { Begun } from './census.js';
import type { Access, DoorOptions } from './door.js';
import type { DoorLimits } from './limits.js';
import type { LoopBudget } from './loop-budget.js';
import { type Problem, RETRY, responseOf, sendProblem } from './problem.js';
import { hasBody, RefusedRequest, requestOf } from './request.js';
import { sendResponse } from './response.js';
import type { Summary } from './summary.js';

export interface AnswerParts {
  fetch: DoorOptions['fetch'];
  limits: Required<DoorLimits>;
  bodies: BodyBudget;
  summary: Summary;
  budget: LoopBudget;
}

/** About what it takes to read a body, and to parse it. */
const MS_PER_BYTE = 5e-6;

/** How long the rest of a body that nobody wants is read and dropped. */
const LINGER_MS = 500;

const LATE: Problem = { status: 503, detail: 'the director has not answered in time: try again', headers: RETRY };
const FAILED: Problem = { status: 500, detail: 'the control server has failed: its log tells how' };

/** Resolves when the client has its answer, or is gone. */
export async function answer(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  access: Access,
  parts: AnswerParts & Pick<Begun, 'gone' | 'abandon'> & { next: () => Promise<void> },
): Promise<void> {
  const { limits, summary, gone, bodies } = parts;
  try {
    const request = requestOf(incoming, gone, bodies);
    const response = await within(limits.answerMs, Promise.resolve(parts.fetch(request, access)), {
      keepsAlive: false,
    });
    if (response === undefined) {
      summary.count('requests that the director did not answer in time');
      await refuseRequest(incoming, outgoing, LATE, limits.stalledMs, gone);
      parts.abandon(new TunvsError('ERR_TUNVS_LIMIT', LATE.detail));
      return;
    }
    if (response.status === 401 && !response.headers.has('www-authenticate'))
      outgoing.setHeader('WWW-Authenticate', CHALLENGE);
    const { stalledMs, pausedMs } = limits;
    await send(incoming, outgoing, response, { ...parts, stalledMs: access === 'write' ? pausedMs : stalledMs });
  } catch (error) {
    if (gone.aborted) return;
    // What has begun cannot be taken back; a connection that is cut tells that something is missing.
    if (outgoing.headersSent) {
      summary.failed(error);
      outgoing.destroy();
      return;
    }
    await refuseRequest(incoming, outgoing, problemOf(error, incoming, parts), limits.stalledMs, gone);
  } finally {
    parts.budget.charge(bodies.release(incoming) * MS_PER_BYTE);
  }
}

function problemOf(error: unknown, incoming: IncomingMessage, { bodies, summary }: AnswerParts): Problem {
  if (error instanceof RefusedRequest) {
    summary.count('malformed requests');
    return error.problem;
  }
  const cut = bodies.cutOf(incoming);
  if (cut !== undefined) {
    summary.count('requests with too long a body');
    return { status: cut.status, detail: cut.message, ...(cut.status === 503 && { headers: RETRY }) };
  }
  summary.failed(error);
  return FAILED;
}

const MAY_GO_ON = new Set([401, 429, 500, 503]);

/** Answers without the application; what is left of the request is not read. */
export async function refuseRequest(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  problem: Problem,
  stalledMs: number,
  gone?: AbortSignal,
): Promise<void> {
  // Who sends what is no request, or may not send it, begins anew.
  outgoing.shouldKeepAlive &&= MAY_GO_ON.has(problem.status) && (incoming.complete || !hasBody(incoming));
  if (incoming.complete || !hasBody(incoming)) return sendProblem(outgoing, problem);
  await sendResponse(outgoing, responseOf(problem), {
    isHead: incoming.method === 'HEAD',
    stalledMs,
    gone,
    beforeEnd: () => linger(incoming),
  });
}

interface SendParts extends AnswerParts {
  gone: AbortSignal;
  next: () => Promise<void>;
  stalledMs: number;
}

async function send(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  response: Response,
  { bodies, summary, gone, next, stalledMs }: SendParts,
): Promise<void> {
  // The application may have seen that a body was too long, and made an answer of its own of that.
  const isUnread = hasBody(incoming) && !incoming.complete;
  if (isUnread || bodies.cutOf(incoming)) outgoing.shouldKeepAlive = false;
  await sendResponse(outgoing, response, {
    isHead: incoming.method === 'HEAD',
    stalledMs,
    gone,
    next,
    stalled: () => summary.count('readers that were too slow'),
    ...(isUnread && { beforeEnd: () => linger(incoming) }),
  });
}

/** A connection that is closed while bytes wait to be read is reset, and the client may lose the answer. */
async function linger(incoming: IncomingMessage): Promise<void> {
  if (incoming.complete || incoming.destroyed) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, LINGER_MS);
    const done = () => {
      clearTimeout(timer);
      resolve();
    };
    incoming.once('end', done).once('close', done).once('error', done);
    incoming.resume();
  });
}
