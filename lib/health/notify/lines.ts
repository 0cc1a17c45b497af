/** What is told of a piece of news, for each receiver: keepalived's line, the environment of a program, JSON. */
import type { RealServer, VirtualService } from '../../director/virtual-service.js';
import { serverName } from '../../values/server-options.js';
import { serviceName } from '../../values/service-key.js';
import type { News } from '../checked-service.js';

/** Returns the words of keepalived's FIFO line; undefined for news that keepalived does not have. */
export function lineWords({ name, event }: News): string[] | undefined {
  if (name === 'failOpen') return undefined;
  const state = event.isUp ? 'UP' : 'DOWN';
  const service = serviceWord(event.service);
  return name === 'server' ? ['RS', serverWord(event.server), service, state] : ['VS', service, state];
}

export function environment({ name, event }: News): Record<string, string> {
  const variables: Record<string, string> = {
    TUNVS_EVENT: name,
    TUNVS_SERVICE: serviceName(event.service),
    TUNVS_AT: new Date(event.at).toISOString(),
  };
  if (name === 'failOpen') variables.TUNVS_STATE = event.isOpen ? 'OPEN' : 'CLOSED';
  else variables.TUNVS_STATE = event.isUp ? 'UP' : 'DOWN';
  if (name === 'server') {
    variables.TUNVS_SERVER = serverName(event.server);
    variables.TUNVS_MESSAGE = printed(event.message);
    if (event.reason !== undefined) variables.TUNVS_REASON = event.reason;
  }
  if (name === 'quorum') {
    variables.TUNVS_WEIGHT = String(event.weight);
    variables.TUNVS_QUORUM = String(event.quorum);
  }
  return variables;
}

export function json({ name, event }: News): string {
  const { service, at, ...others } = event;
  const server = 'server' in others ? { server: keyOf(others.server) } : {};
  const { protocol, address, port, lastPort, mark } = service;
  return JSON.stringify({
    ...{ event: name, at: new Date(at).toISOString() },
    ...others,
    service: { protocol, address, port, lastPort, mark },
    ...server,
  });
}

/** News of one subject is told in order. */
export function subjectOf({ name, event }: News): string {
  const service = serviceName(event.service);
  return name === 'server' ? `${service} ${serverName(event.server)}` : service;
}

const keyOf = ({ address, port }: RealServer) => ({ address, port });

function serviceWord({ protocol, address, port, mark }: VirtualService): string {
  return mark === undefined ? `[${address}]:${protocol}:${port}` : `FWM ${mark}`;
}

function serverWord({ address, port, service }: RealServer): string {
  return `[${address}]:${service.protocol}:${port}`;
}

/** A variable cannot hold a NUL. */
const printed = (text: string) => text.replaceAll('\0', '');
