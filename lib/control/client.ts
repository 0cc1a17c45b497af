/** A client of the control API, over the unix socket or a URL. */
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Connection, ConnectionFilter } from '../stats/connections.js';
import { isTunvsErrorCode, TunvsError } from '../values/errors.js';
import type { AdmPiece } from '../rules/adm/piece.js';
import type {
  CallOptions,
  ChangeOptions,
  ClientOptions,
  ControlClient,
  ControlEvent,
  Versioned,
} from './client-types.js';
import type { ProblemJson } from './problem.js';

/**
 * Makes a client of a control server. It connects with each call. Every error is a {@link TunvsError}, with the code and
 * the sentence of the problem.
 *
 * @example
 * ```ts
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { Director } from 'tunvs';
 * import { createClient, serveControl } from 'tunvs/control';
 *
 * const director = Director.offline({ source: '10.2.0.2' });
 * const socket = join(tmpdir(), `tunvs-client-${process.pid}.sock`);
 * await serveControl(director, { socket: { path: socket } });
 *
 * const client = createClient({ socket });
 * const web = await client.services.add({ protocol: 'tcp', address: '192.0.2.1', port: 80, scheduler: 'wlc' });
 * await client.servers.add(web.id, { address: '10.2.0.11', weight: 3 });
 * const { weight } = await client.servers.get(web.id, '10.2.0.11:80');
 * console.log(weight); // 3
 * await director.close();
 * ```
 */
export function createClient(options: ClientOptions): ControlClient {
  const call = caller(options);
  const json = async <T>(method: string, path: string, { body, ...others }: Sent = {}): Promise<Versioned<T>> => {
    const response = await call(method, path, { ...others, ...(body !== undefined && { body }) });
    const text = await textOf(response);
    const value = text === '' ? {} : parsed<object>(text);
    return Object.defineProperty(value, 'etag', { value: response.headers.etag }) as Versioned<T>;
  };
  const at = (service: string) => `/v1/services/${encodeURIComponent(service)}`;
  const serverAt = (service: string, server: string) => `${at(service)}/servers/${encodeURIComponent(server)}`;
  return {
    director: (o) => json('GET', '/v1/director', o),
    status: (o) => json('GET', '/v1/status', o),
    fingerprint: (o) => json('GET', '/v1/fingerprint', o),
    health: (o) => json('GET', '/v1/health', o),
    stats: (o) => json('GET', '/v1/stats', o),
    counters: (o) => json('GET', '/v1/counters', o),
    config: (o) => json('GET', '/v1/config', o),
    services: {
      list: (o) => json('GET', '/v1/services', o),
      get: (id, o) => json('GET', at(id), o),
      stats: (id, o) => json('GET', `${at(id)}/stats`, o),
      health: (id, o) => json('GET', `${at(id)}/health`, o),
      add: (body, o) => json('POST', '/v1/services', { ...o, body }),
      put: (id, body, o) => json('PUT', at(id), { ...o, body }),
      edit: (id, body, o) => json('PATCH', at(id), { ...o, body }),
      delete: (id, o) => json('DELETE', at(id), o),
      clear: (o) => json('DELETE', '/v1/services', o),
    },
    servers: {
      list: (service, o) => json('GET', `${at(service)}/servers`, o),
      get: (service, server, o) => json('GET', serverAt(service, server), o),
      stats: (service, server, o) => json('GET', `${serverAt(service, server)}/stats`, o),
      health: (service, server, o) => json('GET', `${serverAt(service, server)}/health`, o),
      check: (service, server, o) => json('POST', `${serverAt(service, server)}/check`, o),
      add: (service, body, o) => json('POST', `${at(service)}/servers`, { ...o, body }),
      put: (service, server, body, o) => json('PUT', serverAt(service, server), { ...o, body }),
      edit: (service, server, body, o) => json('PATCH', serverAt(service, server), { ...o, body }),
      delete: (service, server, o) => json('DELETE', serverAt(service, server), o),
    },
    drains: {
      list: (o) => json('GET', '/v1/drains', o),
      begin: (service, server, body = {}, o) => json('POST', `${serverAt(service, server)}/drain`, { ...o, body }),
      get: (service, server, o) => json('GET', `${serverAt(service, server)}/drain`, o),
      abandon: (service, server, o) => json('DELETE', `${serverAt(service, server)}/drain`, o),
    },
    transaction: (body, o) => json('POST', '/v1/transaction', { ...o, body }),
    explain: (body, o) => json('POST', '/v1/explain', { ...o, body }),
    marks: (o) => json('GET', '/v1/marks', o),
    setMarks: (body, o) => json('PUT', '/v1/marks', { ...o, body }),
    timeouts: (o) => json('GET', '/v1/timeouts', o),
    setTimeouts: (body, o) => json('PATCH', '/v1/timeouts', { ...o, body }),
    sysctls: (o) => json('GET', '/v1/sysctls', o),
    setSysctls: (body, o) => json('PATCH', '/v1/sysctls', { ...o, body }),
    role: (o) => json('GET', '/v1/role', o),
    setRole: (role, o) => json('PUT', '/v1/role', { ...o, body: { role } }),
    sync: (o) => json('GET', '/v1/sync', o),
    startSync: (role, body, o) => json('POST', `/v1/sync/${role}`, { ...o, body }),
    stopSync: (role, o) => json('DELETE', `/v1/sync/${role}`, o),
    zero: (service, o) =>
      json('POST', `/v1/zero${service === undefined ? '' : `?service=${encodeURIComponent(service)}`}`, o),
    reload: (body = {}, o) => json('POST', '/v1/reload', { ...o, body }),
    async *connections(filter: ConnectionFilter = {}, o: CallOptions = {}): AsyncGenerator<Connection> {
      const query = new URLSearchParams();
      for (const [name, value] of Object.entries(filter)) if (value !== undefined) query.set(name, `${value}`);
      const headers = { accept: 'application/x-ndjson' };
      const response = await call('GET', `/v1/connections?${query}`, { ...o, headers });
      for await (const line of linesOf(response)) yield parsed<Connection>(line);
    },
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
        if (id !== undefined && event !== undefined && data !== undefined) yield { id, event, data: parsed(data) };
      }
    },
    async *ipvsadm(argv: readonly string[], o: CallOptions & { stdin?: string } = {}): AsyncGenerator<AdmPiece> {
      const { stdin, ...others } = o;
      const body = { argv, ...(stdin !== undefined && { stdin }) };
      const response = await call('POST', '/v1/ipvsadm', { ...others, body });
      let hasEnded = false;
      for await (const line of linesOf(response)) {
        const piece = parsed<AdmPiece>(line);
        yield piece;
        hasEnded ||= 'exit' in piece;
      }
      if (!hasEnded) throw brokenOff();
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

/** A status of 100,000 servers has less. */
const MAX_BYTES = 256 * 2 ** 20;
const MAX_LINE = 16 * 2 ** 20;

async function textOf(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of partsOf(response)) {
    parts.push(part as Buffer);
    bytes += (part as Buffer).length;
    if (bytes > MAX_BYTES) throw foreign('the answer has no end');
  }
  return Buffer.concat(parts).toString();
}

/** An abort by the caller stays what it is. */
async function* partsOf(response: IncomingMessage): AsyncGenerator<Buffer | string> {
  try {
    yield* response;
  } catch (error) {
    throw (error as Error).name === 'AbortError' ? error : brokenOff(error);
  }
}

function brokenOff(cause?: unknown): TunvsError {
  const sentence = 'the director ended before it had answered: look into its log';
  return new TunvsError('ERR_TUNVS_SYSTEM', sentence, { cause });
}

function parsed<T extends object>(text: string): T {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as T;
  } catch {
    // It is no JSON.
  }
  throw foreign('the answer is no JSON');
}

function foreign(why: string): TunvsError {
  return new TunvsError('ERR_TUNVS_SYSTEM', `no director answers there: ${why}: name another socket or URL`);
}

/** Ends the request when the caller stops reading. */
async function* linesOf(response: IncomingMessage): AsyncGenerator<string> {
  let rest = '';
  response.setEncoding('utf8');
  for await (const part of partsOf(response)) {
    const lines = `${rest}${part}`.split('\n');
    rest = lines.pop() as string;
    if (rest.length > MAX_LINE) throw foreign('the answer has a line without an end');
    yield* lines;
  }
  if (rest !== '') yield rest;
}
