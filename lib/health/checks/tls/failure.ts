/** What OpenSSL's errors say of the server. */
import { CheckFailure } from '../check.js';

const PLAIN = /wrong.version.number|packet.length.too.long|record.layer.failure|http.request/i;

/** Returns the failure that an error of a TLS stream stands for, undefined when it is none of OpenSSL's. */
export function openSslFailure(error: unknown): CheckFailure | undefined {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  const text = typeof message === 'string' ? message : '';
  const isOpenSsl = (typeof code === 'string' && code.startsWith('ERR_SSL_')) || text.includes(':SSL routines:');
  if (!isOpenSsl) return undefined;
  // As in '8028...:error:0A000410:SSL routines:ssl3_read_bytes:sslv3 alert handshake failure:../deps/...'.
  const said =
    /:SSL routines:[^:]*:([^:]{1,100})/.exec(text)?.[1] ?? String(code).slice('ERR_SSL_'.length).toLowerCase();
  const mend = PLAIN.test(said) ? { mend: 'Look whether the port speaks TLS.' } : {};
  return new CheckFailure('wrong answer', `TLS: ${said.replaceAll('_', ' ')}`, { ...mend, cause: error });
}
