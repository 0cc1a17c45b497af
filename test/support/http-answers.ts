/** Servers of HTTP for checks. */
import type { RequestListener } from 'node:http';
import type { Socket } from 'node:net';
import type { Finding } from '../../lib/health/checks/check.js';
import { type HttpCheckOptions, httpCheck } from '../../lib/health/checks/http.js';
import { findingOf, serve } from './checked.js';

/** The finding of a check of a server that answers `bytes` to whatever it is asked. */
export async function answered(
  bytes: string | Buffer,
  options: HttpCheckOptions = {},
  after: (socket: Socket) => void = () => {},
): Promise<Finding> {
  await using server = await serve((socket) => {
    socket.once('data', () => socket.write(bytes, 'latin1', () => after(socket)));
  });
  return await findingOf(httpCheck(options), server.port);
}

/** Answers with what it was asked. */
export const mirror: RequestListener = (request, response) => {
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => {
    const { method, url, httpVersion, headers } = request;
    const authority = headers.host ?? headers[':authority'];
    const body = JSON.stringify({
      method,
      url,
      httpVersion,
      authority,
      x: headers.x,
      body: String(Buffer.concat(parts)),
    });
    response.setHeader('x-weight', '40%');
    response.end(body);
  });
};
