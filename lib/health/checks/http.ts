/** The check by an HTTP request without TLS. */
import type { Check } from './check.js';
import { converse } from './conversation.js';
import { exchangeOf } from './http/exchange.js';
import { judgeOf } from './http/judge.js';
import { type HttpDefaults, type HttpOptions, httpOptions } from './http/options.js';
import { defineKind } from './kind.js';

/**
 * The options of a check by an HTTP request without TLS.
 *
 * @example
 * ```ts
 * import type { HttpCheckOptions } from 'tunvs/health';
 *
 * const options: HttpCheckOptions = { path: '/health', status: '200-299' };
 * console.log(options.path); // /health
 * ```
 */
export interface HttpCheckOptions extends HttpOptions {}

export const http = defineKind<HttpCheckOptions, HttpDefaults>({
  name: 'http',
  description: 'Passes when the server answers a request by HTTP as expected.',
  closesAll: true,
  options: httpOptions,
  prepare: (values) => {
    const { needs, judge } = judgeOf('http', values);
    const exchange = exchangeOf('http', values, needs);
    return (context) => converse(context, values.port, async (socket) => judge(await exchange(socket, context)));
  },
});

/**
 * Makes a check that passes when the server answers a request by HTTP as expected.
 *
 * @example
 * ```ts
 * import { httpCheck } from 'tunvs/health';
 *
 * const check = httpCheck({ path: '/health', host: 'www.example.org', status: '200-299', contains: 'ok' });
 * console.log(check.kind); // http
 * ```
 */
export const httpCheck = (options: HttpCheckOptions = {}): Check => http.make(options);
