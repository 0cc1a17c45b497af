/** One exchange by HTTP with one endpoint of etcd: JSON goes out, and JSON or a stream of lines of it comes back. */
import { Agent as HttpAgent, type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { EtcdFailure, refusalOf } from './failure.js';
import { JsonLines } from './json-lines.js';
import type { EtcdOptions } from './options.js';

/** A page of keys and a response of a watch have less: etcd takes requests of 1.5 MiB, and pages are as long as these. */
export const MAX_ANSWER_BYTES = 64 * 2 ** 20;
const MAX_REFUSAL_BYTES = 64 * 1024;

export interface Sent {
  token: string | undefined;
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

export class Endpoint {
  readonly name: string;
  readonly #url: URL;
  readonly #agent: HttpAgent;
  readonly #tls: EtcdOptions['tls'];

  constructor(text: string, tls: EtcdOptions['tls']) {
    this.#url = new URL(text);
    this.name = this.#url.origin;
    this.#tls = this.#url.protocol === 'https:' ? tls : undefined;
    const pool = { keepAlive: true, maxFreeSockets: 2 };
    this.#agent = this.#url.protocol === 'https:' ? new HttpsAgent(pool) : new HttpAgent(pool);
  }

  /** Closes connections that nobody uses. */
  close(): void {
    this.#agent.destroy();
  }

  /** @throws {@link EtcdFailure}, or the reason of the signal. */
  async ask(path: string, body: object, sent: Sent): Promise<Record<string, unknown>> {
    const timeout = AbortSignal.timeout(sent.timeoutMs);
    const signal = sent.signal ? AbortSignal.any([timeout, sent.signal]) : timeout;
    try {
      const response = await this.#begin(path, body, sent.token, signal);
      const text = await this.#text(response, isFine(response) ? MAX_ANSWER_BYTES : MAX_REFUSAL_BYTES);
      const value = this.#parsed(text, response);
      if (!isFine(response)) throw refusalOf(this.name, value, response.statusCode ?? 0);
      // The gateway answers calls that are streams in gRPC with a line for each message.
      const { result, error } = value;
      if (typeof error === 'object' && error !== null) throw refusalOf(this.name, error, 0);
      return (typeof result === 'object' && result !== null ? result : value) as Record<string, unknown>;
    } catch (error) {
      throw this.#failure(error, sent, timeout);
    }
  }

  /**
   * Yields what each line of the answer holds, until the signal is aborted or the endpoint ends it. The time is for the
   * first line.
   *
   * @throws {@link EtcdFailure}, or the reason of the signal.
   */
  async *stream(path: string, body: object, sent: Sent & { signal: AbortSignal }): AsyncGenerator<unknown> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(new Error('late')), sent.timeoutMs);
    const signal = AbortSignal.any([late.signal, sent.signal]);
    try {
      const response = await this.#begin(path, body, sent.token, signal);
      if (!isFine(response)) {
        const value = this.#parsed(await this.#text(response, MAX_REFUSAL_BYTES), response);
        throw refusalOf(this.name, value, response.statusCode ?? 0);
      }
      const lines = new JsonLines(this.name, MAX_ANSWER_BYTES);
      for await (const chunk of response) {
        for (const value of lines.push(chunk as Buffer)) {
          clearTimeout(timer);
          yield this.#resultOf(value);
        }
      }
    } catch (error) {
      throw this.#failure(error, sent, late.signal);
    } finally {
      clearTimeout(timer);
    }
  }

  #resultOf(value: unknown): unknown {
    const { result, error } = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
    if (error !== undefined) throw refusalOf(this.name, error, 0);
    if (typeof result !== 'object' || result === null)
      throw new EtcdFailure('foreign', `${this.name} sends a line without a result`);
    return result;
  }

  #begin(path: string, body: object, token: string | undefined, signal: AbortSignal): Promise<IncomingMessage> {
    const text = JSON.stringify(body);
    const options = {
      ...{ method: 'POST', path, agent: this.#agent, signal, host: this.#url.hostname.replace(/^\[|\]$/g, '') },
      ...(this.#url.port !== '' && { port: this.#url.port }),
      ...this.#tls,
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(text),
        ...(token !== undefined && { authorization: token }),
      },
    };
    return new Promise((resolve, reject) => {
      const request: ClientRequest =
        this.#url.protocol === 'https:' ? httpsRequest(options, resolve) : httpRequest(options, resolve);
      request.once('error', reject);
      request.end(text);
    });
  }

  async #text(response: IncomingMessage, maxBytes: number): Promise<string> {
    const parts: Buffer[] = [];
    let bytes = 0;
    for await (const part of response) {
      parts.push(part as Buffer);
      bytes += (part as Buffer).length;
      if (bytes > maxBytes) throw new EtcdFailure('foreign', `${this.name} answers with more than ${maxBytes} bytes`);
    }
    return Buffer.concat(parts).toString();
  }

  #parsed(text: string, { statusCode = 0 }: IncomingMessage): Record<string, unknown> {
    try {
      const value: unknown = JSON.parse(text);
      if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
    } catch {
      // It is no JSON.
    }
    const kind = statusCode >= 500 ? 'away' : 'foreign';
    throw new EtcdFailure(kind, `${this.name} does not answer as etcd does (status ${statusCode})`);
  }

  #failure(error: unknown, { signal, timeoutMs }: Sent, timeout: AbortSignal): unknown {
    if (error instanceof EtcdFailure) return error;
    if (signal?.aborted) return signal.reason;
    const away = (why: string) => new EtcdFailure('away', `${this.name}: ${why}`, { cause: error });
    if (timeout.aborted) return away(`no answer within ${timeoutMs} ms`);
    const { code, message } = error as NodeJS.ErrnoException;
    return away(WHY[code ?? ''] ?? message);
  }
}

const isFine = ({ statusCode = 0 }: IncomingMessage) => statusCode >= 200 && statusCode < 300;

/** What the system says needs the certificate that is meant, or none. */
const WHY: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'the connection was reset',
  EHOSTUNREACH: 'there is no way to that host',
  ENETUNREACH: 'there is no way to that network',
  ENOTFOUND: 'the DNS does not know that host',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by nobody who is trusted: name the authority by --etcd-ca',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is signed by nobody who is trusted: name the authority by --etcd-ca',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'its certificate is signed by nobody who is trusted: name the authority by --etcd-ca',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    'its certificate is signed by nobody who is trusted: name the authority by --etcd-ca',
  CERT_HAS_EXPIRED: 'its certificate has expired: renew it',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name: name the endpoint as the certificate does',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'it asks for a certificate: give --etcd-cert and --etcd-key',
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: 'it refuses the certificate of --etcd-cert',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'it does not trust the authority of --etcd-cert',
  EPROTO: 'it does not speak TLS: name it with http, or let it serve https',
};
