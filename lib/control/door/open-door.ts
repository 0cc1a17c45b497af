/** Opens a door: a control server on a unix socket, on TCP, or on both. */
import type { Server } from 'node:http';
import { BlockList, isIP } from 'node:net';
import type { AddressInfo } from 'node:net';
import { lookup } from 'node:dns/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { TunvsError, toTunvsError } from '../../values/errors.js';
import { checkedOptions, integerOption, refuse } from '../../values/options.js';
import { BodyBudget } from './body-budget.js';
import { localCallers, remoteAccess, remoteCaller } from './callers.js';
import { Census } from './census.js';
import type { Door, DoorOptions, HttpPlace, SocketPlace } from './door.js';
import { groupNumber } from './group.js';
import { HostNames } from './host-names.js';
import { ended, makeServer, type ServerParts } from './http-server.js';
import { LoopBudget } from './loop-budget.js';
import { checkedLimits } from './limits.js';
import { SocketPost } from './socket-post.js';
import { Summary } from './summary.js';
import { Tokens } from './tokens.js';

/** Requests that are being answered when the door closes have this long. */
const GRACE_MS = 500;

const BACKLOG = 511;

type Shared = Pick<ServerParts, 'fetch' | 'limits' | 'bodies' | 'summary' | 'census' | 'budget'>;

/** Listens when it resolves. Without `socket` and `http` there is nothing to open, which is refused. */
export async function openDoor(options: DoorOptions): Promise<Door> {
  const given = checkedOptions('openDoor', options, ['fetch', 'socket', 'http', 'limits', 'log', 'name']);
  const { fetch, log, name = 'tunvs' } = given;
  if (typeof fetch !== 'function') refuse('fetch', fetch, 'a function');
  if (given.socket === undefined && given.http === undefined)
    throw new TunvsError('ERR_TUNVS_INVALID_ARGUMENT', 'openDoor: a door needs a place: give socket, http, or both');
  const limits = checkedLimits(given.limits);
  const summary = new Summary(log);
  const census = new Census(limits);
  const bodies = new BodyBudget(limits.bodyBytes, limits.bodyBytesInAll);
  const budget = new LoopBudget(limits.loopShare);
  const shared: Shared = { fetch, limits, bodies, summary, census, budget };
  // TCP comes first: a port that is in use leaves the socket of a director that runs in peace.
  const http = given.http && (await openHttp(given.http, shared, log));
  let post: SocketPost | undefined;
  try {
    post = given.socket && (await openSocket(given.socket, shared, name, log));
  } catch (error) {
    http?.server.close();
    throw error;
  }
  const addresses = { ...(post && { socket: post.path }), ...(http && { http: http.address }) };
  log?.info('control.open', addresses, `the control server answers at ${Object.values(addresses).join(' and ')}`);
  let closing: Promise<void> | undefined;
  const close = async () => {
    const ends = [post?.close(), http && ended(http.server)];
    for (const until = performance.now() + GRACE_MS; census.requests > 0 && performance.now() < until; )
      await delay(10);
    for (const socket of [...census.clients]) socket.destroy();
    post?.destroyClients();
    http?.server.closeAllConnections();
    await Promise.all(ends);
    summary.say();
  };
  return {
    addresses,
    reloadTokens: () => http?.tokens.reload(),
    close: () => (closing ??= close()),
    [Symbol.asyncDispose]: () => (closing ??= close()),
  };
}

async function openSocket(
  place: SocketPlace,
  shared: Shared,
  name: string,
  log: DoorOptions['log'],
): Promise<SocketPost> {
  const { path, group: given } = checkedOptions('socket', place, ['path', 'group']);
  const group = given === undefined ? undefined : groupNumber(given);
  const callerOf = localCallers(group);
  const make = () => makeServer({ ...shared, place: 'the socket', callerOf, accessOf: () => 'write' });
  return SocketPost.open({ path, group, name, make, log });
}

interface HttpDoor {
  readonly server: Server;
  readonly tokens: Tokens;
  readonly address: string;
}

async function openHttp(place: HttpPlace, shared: Shared, log: DoorOptions['log']): Promise<HttpDoor> {
  const { host, port, tokens: given, names } = checkedOptions('http', place, ['host', 'port', 'tokens', 'names']);
  if (typeof host !== 'string' || host === '') refuse('http.host', host, 'an address or a name of this host');
  integerOption('http.port', port, 0, 65535);
  const tokens = new Tokens(given && checkedOptions('http.tokens', given, ['read', 'write']), log);
  const address = await addressOf(host);
  if (tokens.isEmpty && !isLoopback(address))
    throw new TunvsError(
      'ERR_TUNVS_INVALID_ARGUMENT',
      `http.host: ${host} can be reached from other hosts, and there is no token: give http.tokens (openssl rand ` +
        '-hex 32 makes one), or listen on 127.0.0.1',
      { option: 'http.host' },
    );
  const accessOf = remoteAccess(tokens, new HostNames(host, names));
  const { server, letIn } = makeServer({ ...shared, place: 'the port', callerOf: remoteCaller, accessOf });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(unbound(host, port, error)));
    server.listen({ host: address, port, backlog: BACKLOG }, resolve);
  });
  const bound = server.address() as AddressInfo;
  letIn();
  const shown = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address;
  return { server, tokens, address: `http://${shown}:${bound.port}` };
}

async function addressOf(host: string): Promise<string> {
  if (isIP(host) !== 0) return host;
  try {
    return (await lookup(host)).address;
  } catch (error) {
    throw unbound(host, undefined, error as Error);
  }
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

function isLoopback(address: string): boolean {
  return loopback.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

function unbound(host: string, port: number | undefined, error: Error): TunvsError {
  const { syscall, errno } = toTunvsError(error);
  const isBusy = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
  const place = port === undefined ? host : `${host}, port ${port}`;
  const mend = isBusy ? ': choose another port, or end what listens there' : ': use an address of this host';
  return new TunvsError(
    isBusy ? 'ERR_TUNVS_BUSY' : 'ERR_TUNVS_INVALID_ARGUMENT',
    `the control server cannot listen on ${place}: ${error.message}${mend}`,
    { cause: error, syscall, errno, option: isBusy ? 'http.port' : 'http.host' },
  );
}
