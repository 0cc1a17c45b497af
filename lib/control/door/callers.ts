/** Who is at the other end: a user of this host by a unix socket, an address by TCP. */
import type { IncomingMessage } from 'node:http';
import { isIPv6, type Socket } from 'node:net';
import { native } from '../../native/addon.js';
import type { Access } from './door.js';
import type { HostNames } from './host-names.js';
import { type Caller, WRONG_TOKEN } from './http-server.js';
import type { Problem } from './problem.js';
import { descriptorOf } from '../../native/unix-socket.js';
import type { Tokens } from './tokens.js';

/** The file's mode says the same; this holds when somebody has changed it, or moved the socket. */
export function localCallers(group: number | undefined): (socket: Socket) => Caller {
  const self = process.geteuid?.();
  return (socket) => {
    try {
      const { uid, gid, groups } = native.peerCredentials(descriptorOf(socket));
      const isMember = group !== undefined && (gid === group || groups.includes(group));
      const peer = `user ${uid}`;
      if (uid === 0 || uid === self || isMember) return { peer };
      return { peer, refused: { status: 403, detail: forbidden(uid, self, group) } };
    } catch {
      // The client is gone already.
      return { peer: 'nobody', refused: { status: 403, detail: 'the control server cannot tell who you are' } };
    }
  };
}

function forbidden(uid: number, self: number | undefined, group: number | undefined): string {
  const others = group === undefined ? '' : ` and members of group ${group}`;
  return `user ${uid} may not use this control socket: root, user ${self}${others} may`;
}

/** An IPv6 client has 2^64 addresses, which count as one. */
export function remoteCaller({ remoteAddress = '' }: Socket): Caller {
  const address = remoteAddress.replace(/^::ffff:(?=\d+\.)/, '');
  if (!isIPv6(address)) return { peer: address };
  const [head = '', tail = ''] = address.replace(/%.*$/, '').split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const missing = 8 - groups(head).length - groups(tail).length;
  const all = [...groups(head), ...Array(Math.max(0, missing)).fill('0'), ...groups(tail)];
  return { peer: `${all.slice(0, 4).join(':')}::/64` };
}

export function remoteAccess(tokens: Tokens, names: HostNames): (incoming: IncomingMessage) => Access | Problem {
  return (incoming) => {
    const { host, authorization } = incoming.headers;
    if (!names.allows(host))
      return { status: 421, detail: 'the Host header names another server: use the address, or add it to http.names' };
    return tokens.accessOf(authorization) ?? WRONG_TOKEN;
  };
}
