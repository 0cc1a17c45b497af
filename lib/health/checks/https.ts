/** The check by an HTTP request over TLS. */
import { isIP } from 'node:net';
import { type Check, CheckFailure } from './check.js';
import { converse } from './conversation.js';
import { exchangeOf } from './http/exchange.js';
import { judgeOf } from './http/judge.js';
import { type HttpDefaults, type HttpOptions, httpOptions } from './http/options.js';
import { defineKind } from './kind.js';
import { type TlsDefaults, type TlsOptions, tlsOptions } from './tls/options.js';
import { securer } from './tls/secure.js';

/** `serverName` is the name in `host` by default. */
export interface HttpsCheckOptions extends HttpOptions, TlsOptions {}

export const https = defineKind<HttpsCheckOptions, HttpDefaults | TlsDefaults>({
  name: 'https',
  description: 'Passes when the server answers a request by HTTP over TLS as expected.',
  options: {
    ...httpOptions,
    ...tlsOptions,
    serverName: { ...tlsOptions.serverName, defaultSaid: 'the name in host; without that no name is asked for' },
  },
  prepare: (values) => {
    const { needs, judge } = judgeOf('https', values);
    const exchange = exchangeOf('https', values, needs);
    const serverName = values.serverName ?? nameIn(values.host);
    const alpn = values.version === '2' ? 'h2' : 'http/1.1';
    const secure = securer('https', { ...values, ...(serverName !== undefined && { serverName }) }, [alpn]);
    return (context) =>
      converse(context, values.port, async (socket) => {
        const { stream, alpn: chosen, words } = await secure(socket, context.signal);
        if (alpn === 'h2' && chosen !== alpn) throw new CheckFailure('wrong answer', 'no HTTP/2 by ALPN');
        const finding = judge(await exchange(stream, context));
        return words.warning === undefined ? finding : { ...finding, warning: words.warning };
      });
  },
});

function nameIn(host: string | undefined): string | undefined {
  const name = host?.replace(/:\d*$/, '');
  return name === undefined || name.startsWith('[') || isIP(name) !== 0 ? undefined : name;
}

/**
 * Makes a check that passes when the server answers a request by HTTP over TLS as expected.
 *
 * @example
 * ```ts
 * import { httpsCheck } from 'tunvs/health';
 *
 * const check = httpsCheck({ path: '/health', host: 'www.example.org', version: '2' });
 * console.log(check.kind); // https
 * ```
 */
export const httpsCheck = (options: HttpsCheckOptions = {}): Check => https.make(options);
