/** An etcd of one process, as far as its JSON gateway goes, which tests can hurt. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';

interface Stored {
  value: string;
  created: number;
  modified: number;
  lease?: string;
}

interface Event {
  revision: number;
  key: string;
  value?: string;
}

interface Watcher {
  key: string;
  end: string;
  response: ServerResponse;
}

type Body = object;

const text = (base64: unknown) => Buffer.from(String(base64 ?? ''), 'base64').toString();
const base64 = (value: string) => Buffer.from(value).toString('base64');

class Refused extends Error {
  readonly code: number;
  readonly status: number;

  constructor(message: string, code: number, status: number) {
    super(message);
    [this.code, this.status] = [code, status];
  }
}

export class FakeEtcd {
  clusterId = '7';
  revision = 1;
  compacted = 0;
  readonly keys = new Map<string, Stored>();
  /** Seconds by lease. */
  readonly leases = new Map<string, number>();
  /** The paths that were asked for. */
  readonly asked: string[] = [];
  /** Where a user is needed. */
  user: { name: string; password: string } | undefined;
  readonly tokens = new Set<string>();
  /** How a line of a stream goes out; whole by default. */
  write: (response: ServerResponse, line: string) => void = (response, line) => void response.write(line);
  /** Answers in place of etcd, if it returns true. */
  instead: (path: string, response: ServerResponse, body: Body) => boolean | Promise<boolean> = () => false;
  readonly #watchers = new Set<Watcher>();
  #history: Event[] = [];
  #server: Server | undefined;
  #lastLease = 1000;
  #lastToken = 0;
  port = 0;

  static async open(tls?: ServerOptions): Promise<FakeEtcd> {
    const etcd = new FakeEtcd();
    await etcd.listen(0, tls);
    return etcd;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  async listen(port = this.port, tls?: ServerOptions): Promise<void> {
    const serve = (request: IncomingMessage, response: ServerResponse) => void this.#serve(request, response);
    const server = tls ? createTlsServer(tls, serve) : createServer(serve);
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  async close(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
    this.#watchers.clear();
  }

  put(key: string, value: string, lease?: string): number {
    this.revision += 1;
    const created = this.keys.get(key)?.created ?? this.revision;
    this.keys.set(key, { value, created, modified: this.revision, ...(lease && { lease }) });
    this.#happened([{ revision: this.revision, key, value }]);
    return this.revision;
  }

  delete(...keys: string[]): number {
    const there = keys.filter((key) => this.keys.delete(key));
    if (there.length === 0) return 0;
    this.revision += 1;
    this.#happened(there.map((key) => ({ revision: this.revision, key })));
    return there.length;
  }

  compact(revision = this.revision): void {
    this.compacted = revision;
    this.#history = this.#history.filter((event) => event.revision >= revision);
  }

  /** Another cluster is there in its place, which holds nothing. */
  replace(clusterId: string): void {
    this.clusterId = clusterId;
    [this.revision, this.compacted, this.#history] = [1, 0, []];
    this.keys.clear();
    this.leases.clear();
  }

  /** The lease and its keys are over. */
  expire(lease: string): void {
    this.leases.delete(lease);
    this.delete(...[...this.keys].filter(([, stored]) => stored.lease === lease).map(([key]) => key));
  }

  /** Ends all watches, by a reset. */
  cut(): void {
    for (const { response } of this.#watchers) response.destroy();
    this.#watchers.clear();
  }

  /** Writes to each watch. */
  shout(line: string): void {
    for (const { response } of this.#watchers) this.write(response, line);
  }

  #happened(events: Event[]): void {
    this.#history.push(...events);
    for (const watcher of this.#watchers) this.#tell(watcher, events);
  }

  #tell({ key, end, response }: Watcher, events: readonly Event[]): void {
    const seen = events.filter((event) => event.key >= key && (end === '' ? event.key === key : event.key < end));
    if (seen.length === 0) return;
    const result = {
      header: this.#header(),
      events: seen.map(({ revision, key: name, value }) =>
        value === undefined
          ? { type: 'DELETE', kv: { key: base64(name), mod_revision: `${revision}` } }
          : { kv: { key: base64(name), value: base64(value), mod_revision: `${revision}`, create_revision: '1' } },
      ),
    };
    this.write(response, `${JSON.stringify({ result })}\n`);
  }

  #header() {
    return { cluster_id: this.clusterId, member_id: '1', revision: `${this.revision}`, raft_term: '2' };
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const path = request.url ?? '';
    this.asked.push(path);
    const body = JSON.parse(Buffer.concat(parts).toString()) as Body;
    if (await this.instead(path, response, body)) return;
    try {
      if (path !== '/v3/auth/authenticate') this.#admit(request.headers.authorization);
      if (path === '/v3/watch') return this.#watch(body, response);
      response.end(JSON.stringify(this.#answer(path, body)));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const { message, code, status } = error;
      response.writeHead(status).end(JSON.stringify({ error: message, message, code }));
    }
  }

  #admit(token: string | undefined): void {
    if (this.user === undefined) return;
    if (token === undefined) throw new Refused('etcdserver: user name is empty', 3, 400);
    if (!this.tokens.has(token)) throw new Refused('etcdserver: invalid auth token', 16, 401);
  }

  #answer(path: string, body: Body): object {
    const header = this.#header();
    switch (path) {
      case '/v3/kv/range':
        return this.#range(body);
      case '/v3/kv/put': {
        const { key, value, lease } = body as { key: string; value: string; lease?: string };
        if (lease !== undefined && !this.leases.has(lease))
          throw new Refused('etcdserver: requested lease not found', 5, 404);
        this.put(text(key), text(value), lease);
        return { header: this.#header() };
      }
      case '/v3/kv/deleterange': {
        const { key, range_end: end } = body as { key: string; range_end?: string };
        return { header, deleted: `${this.delete(...this.#within(text(key), text(end)).map(([name]) => name))}` };
      }
      case '/v3/kv/txn':
        return this.#txn(body);
      case '/v3/lease/grant': {
        const id = `${++this.#lastLease}`;
        this.leases.set(id, Number((body as { TTL: string }).TTL));
        return { header, ID: id, TTL: (body as { TTL: string }).TTL };
      }
      case '/v3/lease/keepalive': {
        const { ID } = body as { ID: string };
        const ttl = this.leases.get(ID);
        return { result: { header, ID, ...(ttl !== undefined && { TTL: `${ttl}` }) } };
      }
      case '/v3/lease/revoke':
        this.expire((body as { ID: string }).ID);
        return { header };
      case '/v3/auth/authenticate': {
        const { name, password } = body as { name: string; password: string };
        if (this.user === undefined) throw new Refused('etcdserver: authentication is not enabled', 9, 400);
        if (name !== this.user.name || password !== this.user.password)
          throw new Refused('etcdserver: authentication failed, invalid user ID or password', 3, 400);
        const token = `token.${++this.#lastToken}`;
        this.tokens.add(token);
        return { header, token };
      }
      default:
        throw new Refused('Not Found', 5, 404);
    }
  }

  #within(key: string, end: string): [string, Stored][] {
    return [...this.keys]
      .filter(([name]) => (end === '' ? name === key : name >= key && name < end))
      .sort(([a], [b]) => (a < b ? -1 : 1));
  }

  #range(body: Body): object {
    const { key, range_end, revision = '0', limit = '0', count_only } = body as Record<string, string | undefined>;
    if (Number(revision) > 0 && Number(revision) < this.compacted)
      throw new Refused('etcdserver: mvcc: required revision has been compacted', 11, 400);
    const found = this.#within(text(key), text(range_end));
    const most = Number(limit) || Infinity;
    const kvs = count_only ? [] : found.slice(0, most);
    return {
      header: this.#header(),
      kvs: kvs.map(([name, { value, created, modified, lease }]) => ({
        ...{ key: base64(name), value: base64(value), create_revision: `${created}`, mod_revision: `${modified}` },
        ...(lease !== undefined && { lease }),
      })),
      ...(found.length > most && { more: true }),
      count: `${found.length}`,
    };
  }

  #txn(body: Body): object {
    const { compare, success, failure } = body as {
      compare: { key: string; create_revision: string }[];
      success: Record<string, Body | undefined>[];
      failure: Record<string, Body | undefined>[];
    };
    const succeeded = compare.every(({ key, create_revision }) => {
      const created = this.keys.get(text(key))?.created ?? 0;
      return created === Number(create_revision);
    });
    const responses = (succeeded ? success : failure).map((operation) => {
      if (operation.request_put) return { response_put: this.#answer('/v3/kv/put', operation.request_put) };
      return { response_range: this.#range(operation.request_range as Body) };
    });
    return { header: this.#header(), ...(succeeded && { succeeded }), responses };
  }

  #watch(body: Body, response: ServerResponse): void {
    const { key, range_end, start_revision } = (body as { create_request: Record<string, string> }).create_request;
    const watcher = { key: text(key), end: text(range_end), response };
    const result = (fields: object) => this.write(response, `${JSON.stringify({ result: fields })}\n`);
    result({ header: this.#header(), created: true });
    if (Number(start_revision) < this.compacted) {
      result({ header: { cluster_id: this.clusterId }, canceled: true, compact_revision: `${this.compacted}` });
      return void response.end();
    }
    this.#watchers.add(watcher);
    response.on('close', () => this.#watchers.delete(watcher));
    const since = this.#history.filter(({ revision }) => revision >= Number(start_revision));
    if (since.length > 0) this.#tell(watcher, since);
  }
}
