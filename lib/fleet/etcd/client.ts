/**
 * A client of etcd's version 3, by its JSON gateway. It asks the endpoint that answered last, and the others in turn when
 * that one is away.
 */
import { type KeyValue, type RangeAnswer, rangeOf, changesOf, type WatchBatch, whole } from './answers.js';
import { EtcdFailure, isElsewhereWorthAsking } from './failure.js';
import { Endpoint } from './exchange.js';
import type { EtcdOptions } from './options.js';

export interface KeyRange {
  key: string;
  /** The first key behind it; without it the range is the one key. */
  end?: string;
}

export interface RangeOptions extends KeyRange {
  /** Reads as of this revision; the newest without it. */
  revision?: number;
  limit?: number;
  countOnly?: boolean;
}

/** All keys below a prefix that ends with `/`: '0' follows '/'. */
export const below = (prefix: string): Required<KeyRange> => ({ key: prefix, end: `${prefix.slice(0, -1)}0` });

const PAGE = 500;
/** A configuration of 200,000 servers has so many. */
const MAX_KEYS = 250_000;
const MAX_TOTAL_BYTES = 64 * 2 ** 20;

const encoded = (text: string | Buffer) => Buffer.from(text as string).toString('base64');
const encodedRange = ({ key, end }: KeyRange) => ({
  key: encoded(key),
  ...(end !== undefined && { range_end: encoded(end) }),
});

export class EtcdClient {
  readonly #endpoints: readonly Endpoint[];
  readonly #options: EtcdOptions;
  readonly #timeoutMs: number;
  #at = 0;
  #token: Promise<string | undefined> | undefined;

  /** REQUIRES: each endpoint is one. */
  constructor(options: EtcdOptions) {
    this.#options = options;
    this.#timeoutMs = options.timeoutMs ?? 3_000;
    this.#endpoints = options.endpoints.map((each) => new Endpoint(each, options.tls));
  }

  /** The endpoint that is asked next. */
  get endpoint(): string {
    return this.#current.name;
  }

  /** The next call asks another one first, where there is one. */
  turn(): void {
    this.#at = (this.#at + 1) % this.#endpoints.length;
  }

  /** Closes connections that nobody uses; calls that are under way end by their signals. */
  close(): void {
    for (const endpoint of this.#endpoints) endpoint.close();
  }

  async range({ revision, limit, countOnly, ...range }: RangeOptions, signal?: AbortSignal): Promise<RangeAnswer> {
    const body = {
      ...encodedRange(range),
      ...(revision !== undefined && { revision: `${revision}` }),
      ...(limit !== undefined && { limit: `${limit}` }),
      ...(countOnly && { count_only: true }),
    };
    return this.#ask('/v3/kv/range', body, signal, rangeOf);
  }

  /**
   * Reads a whole range as of one revision, in pages.
   *
   * @throws {@link EtcdFailure} of the kind 'compacted' when etcd forgets that revision meanwhile: begin anew.
   */
  async readAll({ key, end }: Required<KeyRange>, signal?: AbortSignal): Promise<RangeAnswer> {
    const all = await this.range({ key, end, limit: PAGE }, signal);
    let page = all;
    let bytes = sizeOf(page.kvs);
    while (page.more && page.kvs.length > 0) {
      const next = `${(page.kvs.at(-1) as KeyValue).key}\0`;
      page = await this.range({ key: next, end, limit: PAGE, revision: all.revision }, signal);
      bytes += sizeOf(page.kvs);
      if (all.kvs.length + page.kvs.length > MAX_KEYS || bytes > MAX_TOTAL_BYTES)
        throw new EtcdFailure('refused', `there are more than ${MAX_KEYS} keys or 64 MiB from ${key} to ${end}`);
      for (const each of page.kvs) all.kvs.push(each);
    }
    return { ...all, more: false };
  }

  /** Puts a value; with a lease the key ends with it. Returns the revision. */
  async put(
    key: string,
    value: string,
    { lease, signal }: { lease?: string; signal?: AbortSignal } = {},
  ): Promise<number> {
    const body = { key: encoded(key), value: encoded(value), ...(lease !== undefined && { lease }) };
    return this.#ask('/v3/kv/put', body, signal, ({ header }) => whole((header as Fields)?.revision));
  }

  /** Puts the value unless the key is there, and returns the value that is there then. */
  async create(
    key: string,
    value: string,
    { lease, signal }: { lease: string; signal?: AbortSignal },
  ): Promise<KeyValue> {
    const one = { key: encoded(key) };
    const read = { request_range: one };
    const body = {
      compare: [{ ...one, target: 'CREATE', create_revision: '0' }],
      success: [{ request_put: { ...one, value: encoded(value), lease } }, read],
      failure: [read],
    };
    return this.#ask('/v3/kv/txn', body, signal, ({ responses }) => {
      const [last] = (Array.isArray(responses) ? responses : []).slice(-1) as Fields[];
      const [there] = rangeOf({ header: { revision: '0' }, ...(last?.response_range as Fields) }).kvs;
      if (there === undefined) throw new RangeError('an answer without the key');
      return there;
    });
  }

  /** Returns how many keys were there. */
  async delete(range: KeyRange, signal?: AbortSignal): Promise<number> {
    return this.#ask('/v3/kv/deleterange', encodedRange(range), signal, ({ deleted = '0' }) => whole(deleted));
  }

  /** Returns the id of a new lease, and its time in seconds. */
  async grant(ttlSeconds: number, signal?: AbortSignal): Promise<{ id: string; ttlSeconds: number }> {
    return this.#ask('/v3/lease/grant', { TTL: `${ttlSeconds}` }, signal, ({ ID, TTL }) => {
      if (typeof ID !== 'string' || !/^-?\d{1,19}$/.test(ID)) throw new RangeError('an answer without a lease');
      return { id: ID, ttlSeconds: whole(TTL) };
    });
  }

  /** Returns how many seconds the lease has from now on; 0 when it is over. */
  async keepAlive(lease: string, signal?: AbortSignal): Promise<number> {
    return this.#ask('/v3/lease/keepalive', { ID: lease }, signal, ({ TTL = '0' }) => whole(TTL));
  }

  async revoke(lease: string, signal?: AbortSignal): Promise<void> {
    await this.#ask('/v3/lease/revoke', { ID: lease }, signal, () => {});
  }

  /**
   * Yields the changes of a range from a revision on, those that came together at once; first a batch without changes,
   * when the watch is there. It ends when the endpoint ends it.
   *
   * A watch may be silent because nothing changes, and because its endpoint is cut off: so the endpoint is asked beside
   * it from time to time, for something that it can answer with its cluster alone.
   *
   * @throws {@link EtcdFailure}; of the kind 'compacted' when etcd no longer has the revision.
   */
  async *watch(range: Required<KeyRange>, startRevision: number, signal: AbortSignal): AsyncGenerator<WatchBatch> {
    const endpoint = this.#current;
    const broken = new AbortController();
    const both = AbortSignal.any([signal, broken.signal]);
    const token = await this.#tokenOf(endpoint, both);
    const body = {
      create_request: { ...encodedRange(range), start_revision: `${startRevision}`, progress_notify: true },
    };
    const sent = { token, timeoutMs: this.#timeoutMs, signal: both };
    const stopBeating = this.#beat(endpoint, range, both, (error) => broken.abort(error));
    try {
      for await (const result of endpoint.stream('/v3/watch', body, sent))
        yield understood(endpoint, result as Fields, changesOf);
    } catch (error) {
      if (error instanceof EtcdFailure && error.kind === 'expired') this.#token = undefined;
      throw error;
    } finally {
      stopBeating();
    }
  }

  #beat(endpoint: Endpoint, range: KeyRange, signal: AbortSignal, failed: (error: unknown) => void): () => void {
    const body = { ...encodedRange(range), count_only: true };
    let isOver = false;
    const beat = async () => {
      try {
        const token = await this.#tokenOf(endpoint, signal);
        await endpoint.ask('/v3/kv/range', body, { token, timeoutMs: this.#timeoutMs, signal });
      } catch (error) {
        if (isOver) return;
        // The next beat has a new token.
        if (error instanceof EtcdFailure && error.kind === 'expired') this.#token = undefined;
        else failed(error);
      }
      timer = setTimeout(beat, this.#options.heartbeatMs ?? 5_000);
      timer.unref();
    };
    let timer = setTimeout(beat, this.#options.heartbeatMs ?? 5_000);
    timer.unref();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }

  get #current(): Endpoint {
    return this.#endpoints[this.#at] as Endpoint;
  }

  async #ask<T>(path: string, body: object, signal: AbortSignal | undefined, read: (answer: Fields) => T): Promise<T> {
    const failures: unknown[] = [];
    for (let tries = 0; tries < this.#endpoints.length; tries++) {
      const endpoint = this.#current;
      try {
        return understood(endpoint, await this.#askOne(endpoint, path, body, signal), read);
      } catch (error) {
        if (!isElsewhereWorthAsking(error)) throw error;
        failures.push(error);
        // Another call may have turned already.
        if (endpoint === this.#current) this.turn();
      }
    }
    if (failures.length === 1) throw failures[0];
    const [{ kind }] = failures as [EtcdFailure];
    const said = failures.map((each) => (each as EtcdFailure).message).join('; ');
    throw new EtcdFailure(kind, said, { cause: new AggregateError(failures) });
  }

  async #askOne(endpoint: Endpoint, path: string, body: object, signal: AbortSignal | undefined): Promise<Fields> {
    const ask = async () =>
      endpoint.ask(path, body, { token: await this.#tokenOf(endpoint, signal), timeoutMs: this.#timeoutMs, signal });
    try {
      return await ask();
    } catch (error) {
      // A token ends when it was not used for some minutes, and with the member that gave it.
      if (!(error instanceof EtcdFailure && error.kind === 'expired') || this.#options.user === undefined) throw error;
      this.#token = undefined;
      return ask();
    }
  }

  #tokenOf(endpoint: Endpoint, signal: AbortSignal | undefined): Promise<string | undefined> {
    const { user } = this.#options;
    if (user === undefined) return Promise.resolve(undefined);
    const known = this.#token ?? this.#authenticate(endpoint, user, signal);
    this.#token = known;
    known.catch(() => {
      if (this.#token === known) this.#token = undefined;
    });
    return known;
  }

  async #authenticate(
    endpoint: Endpoint,
    user: NonNullable<EtcdOptions['user']>,
    signal: AbortSignal | undefined,
  ): Promise<string | undefined> {
    const sent = { token: undefined, timeoutMs: this.#timeoutMs, signal };
    try {
      const { token } = await endpoint.ask('/v3/auth/authenticate', user, sent);
      if (typeof token === 'string' && /^[\x21-\x7e]{1,4096}$/.test(token)) return token;
    } catch (error) {
      // A cluster without users takes everybody.
      if (error instanceof EtcdFailure && /authentication is not enabled/.test(error.message)) return undefined;
      throw error;
    }
    throw new EtcdFailure('foreign', `${endpoint.name} answers without a token`);
  }
}

type Fields = Record<string, unknown>;

function understood<T>(endpoint: Endpoint, answer: Fields, read: (answer: Fields) => T): T {
  try {
    return read(answer);
  } catch (error) {
    if (error instanceof EtcdFailure) throw new EtcdFailure(error.kind, `${endpoint.name}: ${error.message}`);
    if (error instanceof RangeError || error instanceof TypeError)
      throw new EtcdFailure('foreign', `${endpoint.name} does not answer as etcd does: ${error.message}`);
    throw error;
  }
}

const sizeOf = (kvs: readonly KeyValue[]) => kvs.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
