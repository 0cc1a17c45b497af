/** The check by a TCP connection. */
import { type Check, passed } from './check.js';
import { converse } from './conversation.js';
import { defineKind, portOption } from './kind.js';

export interface TcpCheckOptions {
  /** The port that is connected to, in place of the one that the service has. */
  port?: number;
}

export const tcp = defineKind<TcpCheckOptions>({
  name: 'tcp',
  description: 'Passes when the server takes a connection.',
  options: { port: portOption },
  prepare:
    ({ port }) =>
    (context) =>
      converse(context, port, () => passed('connected')),
});

/**
 * Makes a check that passes when the server takes a TCP connection.
 *
 * @example
 * ```ts
 * import { tcpCheck } from 'tunvs/health';
 *
 * const check = tcpCheck({ port: 8080 });
 * console.log(check.kind); // tcp
 * ```
 */
export const tcpCheck = (options: TcpCheckOptions = {}): Check => tcp.make(options);
