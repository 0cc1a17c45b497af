/** One request and its answer by HTTP/2. A server may send anything. */
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
} from 'node:http2';
import type { Duplex } from 'node:stream';
import { CheckFailure } from '../check.js';
import { timedOut } from '../conversation.js';
import { socketFailure } from '../socket-failure.js';
import { type Answer, type AnswerNeeds, MAX_HEAD_BYTES, MAX_INTERIM } from './answer.js';
import { Body } from './body.js';
import type { Request } from './request.js';

/** Fields of a connection, which HTTP/2 does not have (RFC 9113, 8.2.2). */
const NOT_IN_H2 = new Set(['connection', 'keep-alive', 'proxy-connection', 'host']);

export interface H2Answer extends Answer {
  trailers: ReadonlyMap<string, string>;
}

/** The stream stays the caller's, who destroys what it stands on. */
export function askH2(
  stream: Duplex,
  signal: AbortSignal,
  scheme: 'http' | 'https',
  request: Request,
  needs: AnswerNeeds,
): Promise<H2Answer> {
  return new Promise((resolve, reject) => {
    let status = 0;
    let session: ClientHttp2Session | undefined;
    const body = new Body(needs);
    const silence = () => {
      if (status === 0) return 'connected, but no answer';
      return `status ${status}, but no end of the body after ${body.bytes} bytes`;
    };
    if (signal.aborted) return reject(timedOut(silence(), signal.reason));
    let isSettled = false;
    const settle = (done: () => void) => {
      if (isSettled) return;
      isSettled = true;
      signal.removeEventListener('abort', onAbort);
      stream.off('end', onEnd);
      session?.destroy();
      done();
    };
    const onAbort = () => settle(() => reject(timedOut(silence(), signal.reason)));
    // The session waits for ever on a stream whose other side has ended. What has come before is told first.
    const onEnd = () => setImmediate(fail, new CheckFailure('closed', 'connection closed'));
    const fail = (error: unknown) => settle(() => reject(h2Failure(error)));
    const finish = (headers: ReadonlyMap<string, string>, trailers: ReadonlyMap<string, string>) =>
      settle(() => resolve({ status, headers, trailers, body }));
    signal.addEventListener('abort', onAbort);
    stream.on('end', onEnd);
    try {
      session = sessionOver(stream);
      // Errors after the end are no news.
      session.on('error', fail);
      session.on('close', () => fail(new CheckFailure('closed', 'connection closed')));
      const asked = session.request(headersOf(request, scheme), { endStream: request.body === undefined });
      asked.on('error', fail);
      if (request.body !== undefined) asked.end(request.body);
      listen(asked);
    } catch (error) {
      fail(error);
    }

    function listen(asked: ClientHttp2Stream): void {
      let interim = 0;
      let headers: ReadonlyMap<string, string> = new Map();
      let trailers: ReadonlyMap<string, string> = new Map();
      asked.on('headers', () => {
        if (++interim > MAX_INTERIM) fail(new CheckFailure('wrong answer', `more than ${MAX_INTERIM} interim answers`));
      });
      asked.on('response', (fields) => {
        status = Number(fields[constants.HTTP2_HEADER_STATUS]);
        headers = mapOf(fields);
        if (!needs.wantsBody(status)) finish(headers, trailers);
      });
      asked.on('trailers', (fields) => {
        trailers = mapOf(fields);
      });
      asked.on('data', (piece: Buffer) => {
        if (!isSettled && body.add(piece)) finish(headers, trailers);
      });
      asked.on('end', () => {
        if (status === 0) return fail(new CheckFailure('closed', 'the stream ended before an answer'));
        finish(headers, trailers);
      });
      asked.on('close', () => fail(closedBy(asked.rstCode)));
    }
  });
}

function sessionOver(stream: Duplex): ClientHttp2Session {
  return connect('http://server.invalid', {
    createConnection: () => stream,
    maxSessionMemory: 1,
    settings: { enablePush: false, maxHeaderListSize: MAX_HEAD_BYTES },
  });
}

function headersOf({ method, path, host, headers, body }: Request, scheme: string) {
  const fields = [...headers].filter(([name]) => !NOT_IN_H2.has(name));
  return {
    ':method': method,
    ':scheme': scheme,
    ':authority': host,
    ':path': path,
    ...Object.fromEntries(fields),
    ...(body !== undefined && { 'content-length': String(body.length) }),
  };
}

function mapOf(fields: IncomingHttpHeaders): ReadonlyMap<string, string> {
  const entries = Object.entries(fields).flatMap(([name, value]): [string, string][] => {
    const first = Array.isArray(value) ? value[0] : value;
    return first === undefined || name.startsWith(':') ? [] : [[name, String(first)]];
  });
  return new Map(entries);
}

const names = new Map(
  Object.entries(constants)
    .filter(
      ([name]) =>
        /^NGHTTP2_[A-Z0-9]+(?:_[A-Z0-9]+)*$/.test(name) &&
        !/^NGHTTP2_(?:ERR|FLAG|HCAT|NV|SETTINGS|SESSION|STREAM_STATE|DEFAULT)/.test(name),
    )
    .map(([name, code]) => [code as number, name.slice('NGHTTP2_'.length)]),
);

function closedBy(code: number): CheckFailure {
  if (code === constants.NGHTTP2_NO_ERROR) return new CheckFailure('closed', 'the stream ended before the answer did');
  return new CheckFailure('closed', `the server ended the stream: ${names.get(code) ?? code}`);
}

function h2Failure(error: unknown): CheckFailure {
  if (error instanceof CheckFailure) return error;
  const { code, message } = (error ?? {}) as { code?: unknown; message?: string };
  if (typeof code !== 'string' || !code.startsWith('ERR_HTTP2_')) return socketFailure(error);
  const isClosed = /ERR_HTTP2_(?:GOAWAY_SESSION|STREAM_CANCEL|STREAM_ERROR|SESSION_ERROR|INVALID_SESSION)/.test(code);
  return new CheckFailure(isClosed ? 'closed' : 'wrong answer', `HTTP/2: ${message}`, {
    ...(!isClosed && { mend: 'Look whether the port speaks HTTP/2.' }),
    cause: error,
  });
}
