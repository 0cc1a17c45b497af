/** Makes a Request of what Node's HTTP server has received. */
import type { IncomingMessage } from 'node:http';
import { type BodyBudget, bodyTooLong } from './body-budget.js';
import type { Problem } from './problem.js';

export class RefusedRequest extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

function refuse(status: number, detail: string): never {
  throw new RefusedRequest({ status, detail });
}

/** Whether a body follows the headers. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** Throws a RefusedRequest for what is not answered. */
export function requestOf(incoming: IncomingMessage, signal: AbortSignal, bodies: BodyBudget): Request {
  const { method = '', url = '', headers, rawHeaders } = incoming;
  if (!url.startsWith('/')) refuse(400, 'the target of a request begins with a slash');
  if (method === 'TRACE' || method === 'CONNECT') refuse(501, `the control server has no method ${method}`);
  const isBodied = hasBody(incoming);
  if (isBodied && (method === 'GET' || method === 'HEAD')) refuse(400, `a ${method} request has no body`);
  if (Number(headers['content-length'] ?? 0) > bodies.maxBytes) refuse(413, bodyTooLong(bodies.maxBytes));
  const pairs: [string, string][] = [];
  for (let index = 0; index < rawHeaders.length; index += 2)
    pairs.push([rawHeaders[index] as string, rawHeaders[index + 1] as string]);
  try {
    const request = new Request(`http://localhost${url}`, {
      method,
      headers: pairs,
      ...(isBodied && { body: bodies.read(incoming), duplex: 'half' }),
    } as RequestInit);
    // A Request only follows a signal that it is given, and loses it when the collector comes (Node 20).
    return Object.defineProperty(request, 'signal', { value: signal });
  } catch (error) {
    return refuse(400, `the request cannot be read: ${(error as Error).message}`);
  }
}
