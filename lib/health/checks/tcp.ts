/** The check by a TCP connection. */
import { type Check, passed } from './check.js';
import { knockAt } from './conversation.js';
import { defineKind, portOption } from './kind.js';

/**
 * The options of a check by a TCP connection.
 *
 * @example
 * ```ts
 * import type { TcpCheckOptions } from 'tunvs/health';
 *
 * const options: TcpCheckOptions = { port: 8080 };
 * console.log(options.port); // 8080
 * ```
 */
export interface TcpCheckOptions {
  /** The port that is connected to, in place of the one that the service has. */
  port?: number;
}

export const tcp = defineKind<TcpCheckOptions>({
  name: 'tcp',
  description: 'Passes when the server takes a connection.',
  closesAll: true,
  options: { port: portOption },
  prepare:
    ({ port }) =>
    async (context) => {
      await knockAt(context, port);
      return passed('connected');
    },
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
