/** The check by a TLS handshake. */
import { type Check, CheckFailure, passed } from './check.js';
import { converse } from './conversation.js';
import { defineKind, portOption } from './kind.js';
import { type TlsDefaults, type TlsOptions, tlsOptions } from './tls/options.js';
import { securer } from './tls/secure.js';

export interface TlsCheckOptions extends TlsOptions {
  /** The port that is connected to, in place of the one that the service has. */
  port?: number;
  /** The protocols that are offered by ALPN; the server has to choose one of them. */
  alpn?: string[];
}

export const tls = defineKind<TlsCheckOptions, TlsDefaults>({
  name: 'tls',
  description: 'Passes when the server completes a TLS handshake with a certificate that is valid.',
  options: {
    port: portOption,
    alpn: {
      type: 'list',
      of: { type: 'string', what: 'the name of a protocol such as h2', pattern: /^[\x21-\x7e]{1,255}$/ },
      max: 16,
      description: 'Lists the protocols that are offered by ALPN; the server has to choose one of them.',
    },
    ...tlsOptions,
  },
  prepare: ({ port, alpn = [], ...values }) => {
    const secure = securer('tls', values, alpn);
    return (context) =>
      converse(context, port, async (socket) => {
        const { version, alpn: chosen, words } = await secure(socket, context.signal);
        if (alpn.length > 0 && chosen === undefined)
          throw new CheckFailure('wrong answer', `the server speaks none of ${alpn.join(', ')} (ALPN)`);
        const said = [version, chosen, words.said].filter((word) => word !== undefined).join(', ');
        return passed(said, words.warning === undefined ? {} : { warning: words.warning });
      });
  },
});

/**
 * Makes a check that passes when the server completes a TLS handshake with a certificate that is valid.
 *
 * @example
 * ```ts
 * import { tlsCheck } from 'tunvs/health';
 *
 * const check = tlsCheck({ serverName: 'www.example.org', alpn: ['h2'], expiryWarningDays: 21 });
 * console.log(check.kind); // tls
 * ```
 */
export const tlsCheck = (options: TlsCheckOptions = {}): Check => tls.make(options);
