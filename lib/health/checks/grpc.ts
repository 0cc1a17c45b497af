/** The check by gRPC's own health service. */
import { printable } from '../../values/printable.js';
import { type Check, CheckFailure, passed } from './check.js';
import { converse } from './conversation.js';
import { readResponse, writeRequest } from './grpc/health-message.js';
import { askH2, type H2Answer } from './http/h2.js';
import { httpOptions } from './http/options.js';
import { hostOf } from './http/request.js';
import { defineKind, portOption } from './kind.js';
import { type TlsDefaults, type TlsOptions, tlsOptions } from './tls/options.js';
import { securer } from './tls/secure.js';

export interface GrpcCheckOptions extends TlsOptions {
  /** The port that is connected to, in place of the one that the service has. */
  port?: number;
  /** The name of the service that is asked for; the server as a whole by default. */
  service?: string;
  /** The host that is asked for (:authority); the address by default. */
  host?: string;
  /** Whether it is asked over TLS; false by default. */
  tls?: boolean;
}

/** An answer is some bytes; further fields may come with it. */
const needs = {
  maxBytes: 4096,
  text: true,
  digest: false,
  wantsBody: (status: number) => status === 200,
  isHead: false,
};

/** What often comes, by grpc-status. */
const codes: Readonly<Record<string, readonly [said: string, mend?: string]>> = {
  '5': ['the server does not know the service', 'Look after the name of the service, or register it at the server.'],
  '12': ['the server has no health service', 'Add grpc.health.v1.Health to the server.'],
  '14': ['the server says that it is unavailable'],
};

export const grpc = defineKind<GrpcCheckOptions, TlsDefaults | 'service' | 'tls'>({
  name: 'grpc',
  description: 'Passes when grpc.health.v1.Health/Check answers SERVING.',
  options: {
    port: portOption,
    service: {
      type: 'string',
      what: 'the name of a service',
      pattern: /^[\w./-]{0,255}$/,
      default: '',
      description: 'Sets the name of the service that is asked for. An empty name stands for the whole server.',
    },
    host: { ...httpOptions.host, description: 'Sets the host that is asked for (:authority).' },
    tls: { type: 'boolean', default: false, description: 'Says whether it is asked over TLS.' },
    ...tlsOptions,
  },
  prepare: ({ port, service, host, tls, ...values }) => {
    const secure = securer('grpc', values, ['h2']);
    const body = writeRequest(service);
    const headers = new Map([
      ['content-type', 'application/grpc'],
      ['te', 'trailers'],
      ['user-agent', 'tunvs'],
    ]);
    return (context) =>
      converse(context, port, async (socket) => {
        const { way, signal } = context;
        const authority = host ?? hostOf(way.address, port ?? way.port, tls ? 443 : 80);
        const request = { method: 'POST', path: '/grpc.health.v1.Health/Check', host: authority, headers, body };
        const { stream, words } = tls ? await secure(socket, signal) : { stream: socket, words: undefined };
        judge(await askH2(stream, signal, tls ? 'https' : 'http', request, needs));
        return passed('SERVING', words?.warning === undefined ? {} : { warning: words.warning });
      });
  },
});

function judge({ status, headers, trailers, body }: H2Answer): void {
  if (status !== 200) throw new CheckFailure('wrong answer', `status ${status} of HTTP`);
  // An answer without a message has its trailers as its header.
  const code = trailers.get('grpc-status') ?? headers.get('grpc-status');
  if (code !== undefined && code !== '0')
    throw refused(code, trailers.get('grpc-message') ?? headers.get('grpc-message'));
  const serving = readResponse(body.bytesKept());
  if (serving !== 'SERVING') throw new CheckFailure('wrong answer', serving);
}

function refused(code: string, message: string | undefined): CheckFailure {
  const [said, mend] = codes[code] ?? [`grpc-status ${printable(code.slice(0, 10))}`];
  const words = message === undefined ? said : `${said}: ${printable(message.slice(0, 100))}`;
  return new CheckFailure('wrong answer', words, mend === undefined ? {} : { mend });
}

/**
 * Makes a check that passes when the server's grpc.health.v1.Health answers SERVING.
 *
 * @example
 * ```ts
 * import { grpcCheck } from 'tunvs/health';
 *
 * const check = grpcCheck({ service: 'shop.Orders', port: 50051 });
 * console.log(check.kind); // grpc
 * ```
 */
export const grpcCheck = (options: GrpcCheckOptions = {}): Check => grpc.make(options);
