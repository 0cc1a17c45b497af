/** The TLS handshake of a check. */
import type { Socket } from 'node:net';
import { connect, type SecureContext, type TLSSocket } from 'node:tls';
import { CheckFailure } from '../check.js';
import { timedOut } from '../conversation.js';
import { socketFailure } from '../socket-failure.js';
import { type CertificateWords, judgeCertificate } from './certificate.js';
import { contextSource } from './context.js';
import type { TlsValues } from './options.js';

export interface Secured {
  stream: TLSSocket;
  /** As in 'TLSv1.3'. */
  version: string;
  alpn: string | undefined;
  words: CertificateWords;
}

/** Makes what does the handshake over a connection. The caller destroys the connection, and with it the stream. */
export function securer(kind: string, values: TlsValues, alpn: readonly string[]) {
  const context = contextSource(kind, values);
  return async (socket: Socket, signal: AbortSignal): Promise<Secured> => {
    const stream = await handshake(socket, signal, await context(), values.serverName, alpn);
    const { authorizationError } = stream;
    // Node's types say Error; it is the code of OpenSSL, or null.
    const chainError = authorizationError ? String(authorizationError) : undefined;
    const words = judgeCertificate(stream.getPeerCertificate(), chainError, values, Date.now());
    if (words.fault !== undefined)
      throw new CheckFailure('wrong certificate', words.fault, words.mend === undefined ? {} : { mend: words.mend });
    const chosen = stream.alpnProtocol || undefined;
    return { stream, version: stream.getProtocol() ?? 'TLS', alpn: chosen, words };
  };
}

function handshake(
  socket: Socket,
  signal: AbortSignal,
  secureContext: SecureContext,
  servername: string | undefined,
  alpn: readonly string[],
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const silence = 'connected, but no end of the TLS handshake';
    if (signal.aborted) return reject(timedOut(silence, signal.reason));
    const stream = connect({
      socket,
      secureContext,
      ...(servername !== undefined && { servername }),
      ALPNProtocols: [...alpn],
      // The certificate is judged afterwards, with all that is known of it.
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
    });
    const settle = (done: () => void) => {
      signal.removeEventListener('abort', onAbort);
      stream.off('secureConnect', onSecure).off('error', onError).off('close', onClose);
      stream.on('error', () => {});
      done();
    };
    const onSecure = () => settle(() => resolve(stream));
    const onError = (error: Error) => settle(() => reject(socketFailure(error)));
    const onClose = () => settle(() => reject(new CheckFailure('closed', 'connection closed in the TLS handshake')));
    const onAbort = () => settle(() => reject(timedOut(silence, signal.reason)));
    signal.addEventListener('abort', onAbort);
    stream.on('secureConnect', onSecure).on('error', onError).on('close', onClose);
  });
}
