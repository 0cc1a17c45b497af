/** A client of the control API, over the unix socket or a URL: its types are those of the schemas that the API checks. */
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { z } from 'zod';
import type { Status } from '../daemon/status.js';
import type { Connection, ConnectionFilter } from '../stats/connections.js';
import { isTunvsErrorCode, TunvsError } from '../values/errors.js';
import type { AdmPiece } from '../rules/adm/piece.js';
import type { ReloadReport } from './context.js';
import type { ProblemJson } from './problem.js';
import type * as connectionSchemas from './schema/connection.js';
import type * as directorSchemas from './schema/director.js';
import type * as serverSchemas from './schema/server.js';
import type * as serviceSchemas from './schema/service.js';
import type * as transactionSchemas from './schema/transaction.js';

export type ClientOptions = (
  | {
      /** The path of the unix socket, such as `/run/tunvs/tunvs.sock`. */
      socket: string;
      url?: undefined;
    }
  | {
      /** Where the API listens on TCP, such as `http://127.0.0.1:9480`. */
      url: string;
      socket?: undefined;
    }
) & {
  /** The token for reading or for writing. */
  token?: string;
};

export interface CallOptions {
  signal?: AbortSignal;
}

export interface ChangeOptions extends CallOptions {
  /** The ETag of the version that is to be changed; without it any is. */
  ifMatch?: string;
}

/** What was read, with its version. */
export type Versioned<T> = T & { readonly etag: string | undefined };

/** An event of `GET /v1/events`. */
export interface ControlEvent {
  id: string;
  event: string;
  data: Record<string, unknown>;
}

type Service = z.output<typeof serviceSchemas.service>;
type Server = z.output<typeof serverSchemas.server>;

export type ControlClient = ReturnType<typeof createClient>;

/** Every error is a {@link TunvsError}, with the code and the sentence of the problem. */
export function createClient(options: ClientOptions) {
  const call = caller(options);
  const json = async <T>(method: string, path: string, { body, ...others }: Sent = {}): Promise<Versioned<T>> => {
    const response = await call(method, path, { ...others, ...(body !== undefined && { body }) });
    const text = await textOf(response);
    const value = text === '' ? {} : (JSON.parse(text) as object);
    return Object.defineProperty(value, 'etag', { value: response.headers.etag }) as Versioned<T>;
  };
  const at = (service: string) => `/v1/services/${encodeURIComponent(service)}`;
  const serverAt = (service: string, server: string) => `${at(service)}/servers/${encodeURIComponent(server)}`;
  return {
    director: (o?: CallOptions) => json<z.output<typeof directorSchemas.director>>('GET', '/v1/director', o),
    status: (o?: CallOptions) => json<Status>('GET', '/v1/status', o),
    stats: (o?: CallOptions) => json<z.output<typeof directorSchemas.stats>>('GET', '/v1/stats', o),
    counters: (o?: CallOptions) => json<z.output<typeof directorSchemas.countersOnly>>('GET', '/v1/counters', o),
    config: (o?: CallOptions) => json<object>('GET', '/v1/config', o),
    services: {
      list: (o?: CallOptions) => json<z.output<typeof serviceSchemas.services>>('GET', '/v1/services', o),
      get: (id: string, o?: CallOptions) => json<Service>('GET', at(id), o),
      stats: (id: string, o?: CallOptions) =>
        json<z.output<typeof serviceSchemas.serviceStats>>('GET', `${at(id)}/stats`, o),
      add: (body: z.input<typeof serviceSchemas.serviceNew>, o?: ChangeOptions) =>
        json<Service>('POST', '/v1/services', { ...o, body }),
      put: (id: string, body: z.input<typeof serviceSchemas.serviceWhole>, o?: ChangeOptions) =>
        json<Service>('PUT', at(id), { ...o, body }),
      edit: (id: string, body: z.input<typeof serviceSchemas.serviceEdit>, o?: ChangeOptions) =>
        json<Service>('PATCH', at(id), { ...o, body }),
      delete: (id: string, o?: ChangeOptions) => json<object>('DELETE', at(id), o),
      clear: (o?: ChangeOptions) => json<object>('DELETE', '/v1/services', o),
    },
    servers: {
      list: (service: string, o?: CallOptions) => json<{ servers: Server[] }>('GET', `${at(service)}/servers`, o),
      get: (service: string, server: string, o?: CallOptions) => json<Server>('GET', serverAt(service, server), o),
      stats: (service: string, server: string, o?: CallOptions) =>
        json<z.output<typeof serverSchemas.serverStats>>('GET', `${serverAt(service, server)}/stats`, o),
      add: (service: string, body: z.input<typeof serverSchemas.serverNew>, o?: ChangeOptions) =>
        json<Server>('POST', `${at(service)}/servers`, { ...o, body }),
      put: (service: string, server: string, body: z.input<typeof serverSchemas.serverWhole>, o?: ChangeOptions) =>
        json<Server>('PUT', serverAt(service, server), { ...o, body }),
      edit: (service: string, server: string, body: z.input<typeof serverSchemas.serverEdit>, o?: ChangeOptions) =>
        json<Server>('PATCH', serverAt(service, server), { ...o, body }),
      delete: (service: string, server: string, o?: ChangeOptions) =>
        json<object>('DELETE', serverAt(service, server), o),
    },
    drains: {
      list: (o?: CallOptions) => json<{ drains: z.output<typeof directorSchemas.drain>[] }>('GET', '/v1/drains', o),
      begin: (service: string, server: string, body: { seconds?: number } = {}, o?: ChangeOptions) =>
        json<z.output<typeof directorSchemas.drain>>('POST', `${serverAt(service, server)}/drain`, { ...o, body }),
      get: (service: string, server: string, o?: CallOptions) =>
        json<z.output<typeof directorSchemas.drain>>('GET', `${serverAt(service, server)}/drain`, o),
      abandon: (service: string, server: string, o?: CallOptions) =>
        json<object>('DELETE', `${serverAt(service, server)}/drain`, o),
    },
    transaction: (body: z.input<typeof transactionSchemas.transaction>, o?: ChangeOptions) =>
      json<z.output<typeof transactionSchemas.transactionResult>>('POST', '/v1/transaction', { ...o, body }),
    explain: (body: z.input<typeof connectionSchemas.flow>, o?: CallOptions) =>
      json<z.output<typeof connectionSchemas.explanation>>('POST', '/v1/explain', { ...o, body }),
    marks: (o?: CallOptions) => json<z.output<typeof directorSchemas.marks>>('GET', '/v1/marks', o),
    setMarks: (body: z.input<typeof directorSchemas.marks>, o?: ChangeOptions) =>
      json<z.output<typeof directorSchemas.marks>>('PUT', '/v1/marks', { ...o, body }),
    timeouts: (o?: CallOptions) => json<z.output<typeof directorSchemas.timeouts>>('GET', '/v1/timeouts', o),
    setTimeouts: (body: z.input<typeof directorSchemas.timeoutsEdit>, o?: ChangeOptions) =>
      json<z.output<typeof directorSchemas.timeouts>>('PATCH', '/v1/timeouts', { ...o, body }),
    sysctls: (o?: CallOptions) => json<z.output<typeof directorSchemas.sysctls>>('GET', '/v1/sysctls', o),
    setSysctls: (body: z.input<typeof directorSchemas.sysctls>, o?: ChangeOptions) =>
      json<z.output<typeof directorSchemas.sysctls>>('PATCH', '/v1/sysctls', { ...o, body }),
    zero: (service?: string, o?: CallOptions) =>
      json<object>('POST', `/v1/zero${service === undefined ? '' : `?service=${encodeURIComponent(service)}`}`, o),
    reload: (body: { dryRun?: boolean; reset?: boolean } = {}, o?: CallOptions) =>
      json<ReloadReport>('POST', '/v1/reload', { ...o, body }),
    /** Goes through the connection table. */
    async *connections(filter: ConnectionFilter = {}, o: CallOptions = {}): AsyncGenerator<Connection> {
      const query = new URLSearchParams();
      for (const [name, value] of Object.entries(filter)) if (value !== undefined) query.set(name, `${value}`);
      const headers = { accept: 'application/x-ndjson' };
      const response = await call('GET', `/v1/connections?${query}`, { ...o, headers });
      for await (const line of linesOf(response)) yield JSON.parse(line) as Connection;
    },
    /** Follows what happens, after the event of `lastEventId` or from now on, until the director is closed. */
    async *events(o: CallOptions & { lastEventId?: string } = {}): AsyncGenerator<ControlEvent> {
      const { lastEventId, ...others } = o;
      const headers = { accept: 'text/event-stream', ...(lastEventId && { 'last-event-id': lastEventId }) };
      const response = await call('GET', '/v1/events', { ...others, headers });
      let said: Record<string, string> = {};
      for await (const line of linesOf(response)) {
        const [, name, value] = /^(\w+): (.*)$/s.exec(line) ?? [];
        if (name !== undefined && value !== undefined) said[name] = value;
        if (line !== '') continue;
        const { id, event, data } = said;
        said = {};
        if (id !== undefined && event !== undefined && data !== undefined) yield { id, event, data: JSON.parse(data) };
      }
    },
    /** Yields what a call of ipvsadm prints, and its exit status last. */
    async *ipvsadm(argv: readonly string[], o: CallOptions & { stdin?: string } = {}): AsyncGenerator<AdmPiece> {
      const { stdin, ...others } = o;
      const body = { argv, ...(stdin !== undefined && { stdin }) };
      const response = await call('POST', '/v1/ipvsadm', { ...others, body });
      for await (const line of linesOf(response)) yield JSON.parse(line) as AdmPiece;
    },
  };
}

interface Sent extends ChangeOptions {
  body?: object;
  headers?: Record<string, string>;
}

/** Sends one request; the answer of one that failed is thrown. */
function caller({ socket, url, token }: ClientOptions) {
  return (method: string, path: string, { body, signal, ifMatch, headers }: Sent): Promise<IncomingMessage> => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const sent = {
      ...headers,
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(ifMatch !== undefined && { 'if-match': ifMatch }),
      ...(text !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
    };
    const request = begin({ socket, url, method, path, headers: sent, signal });
    return new Promise((resolve, reject) => {
      request.once('error', (error) => reject(signal?.aborted ? signal.reason : unreachable(error, socket ?? url)));
      request.once('response', (response) => {
        const { statusCode = 0 } = response;
        if (statusCode < 300) resolve(response);
        else textOf(response).then((said) => reject(problemError(said, statusCode)), reject);
      });
      request.end(text);
    });
  };
}

interface Begun {
  socket: string | undefined;
  url: string | undefined;
  method: string;
  path: string;
  headers: Record<string, string | number>;
  signal: AbortSignal | undefined;
}

function begin({ socket, url, signal, ...others }: Begun): ClientRequest {
  const options = { ...others, ...(signal && { signal }) };
  if (socket !== undefined) return httpRequest({ socketPath: socket, ...options });
  const { protocol, hostname, port } = new URL(url as string);
  const host = hostname.replace(/^\[|\]$/g, '');
  return (protocol === 'https:' ? httpsRequest : httpRequest)({ host, ...(port && { port }), ...options });
}

function unreachable(error: NodeJS.ErrnoException, where: string | undefined): TunvsError {
  return new TunvsError(
    'ERR_TUNVS_SYSTEM',
    `no director answers at ${where}: ${error.message}; see "tunvs run --help"`,
    {
      ...{ cause: error, syscall: error.syscall, errno: error.errno && Math.abs(error.errno) },
    },
  );
}

function problemError(said: string, status: number): TunvsError {
  let problem: Partial<ProblemJson> = {};
  try {
    problem = JSON.parse(said) as ProblemJson;
  } catch {
    // Something between may have answered in place of the director.
  }
  const { code, detail = `the answer has the status ${status}` } = problem ?? {};
  return new TunvsError(isTunvsErrorCode(code) ? code : 'ERR_TUNVS_SYSTEM', detail, { cause: problem });
}

async function textOf(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

/** Ends the request when the caller stops reading. */
async function* linesOf(response: IncomingMessage): AsyncGenerator<string> {
  let rest = '';
  response.setEncoding('utf8');
  for await (const part of response) {
    const lines = `${rest}${part}`.split('\n');
    rest = lines.pop() as string;
    yield* lines;
  }
  if (rest !== '') yield rest;
}
