/** What an error of a socket says of the server. */
import { CheckFailure, type FailureReason } from './check.js';
import { openSslFailure } from './tls/failure.js';

type Known = readonly [reason: FailureReason, message: string, mend?: string, isOwnFault?: boolean];

const REFUSED: Known = [
  'refused',
  'connection refused',
  'Start the program that listens on the port, or let the firewall of the server accept it.',
];
const unreachable = (message: string): Known => ['unreachable', message, 'Look after the route to the server.'];
const local = (message: string, mend?: string): Known => ['failed', message, mend, true];
const NO_FILES = local('no file descriptor is free', 'Raise the limit of open files (LimitNOFILE=, ulimit -n).');

/**
 * Linux gives ICMP errors to the socket as these codes (ip(7), icmp.c and ipv6/icmp.c of 6.1): a filtered host is
 * EHOSTUNREACH in IPv4 and EACCES in IPv6.
 */
const CODES: Readonly<Record<string, Known>> = {
  ECONNREFUSED: REFUSED,
  EHOSTUNREACH: unreachable('host unreachable'),
  ENETUNREACH: unreachable('network unreachable'),
  EHOSTDOWN: unreachable('host down'),
  ENONET: unreachable('host isolated'),
  ENOPROTOOPT: unreachable('protocol unreachable'),
  EOPNOTSUPP: unreachable('source route failed'),
  EPROTO: unreachable('parameter problem'),
  EMSGSIZE: unreachable('packet too long for the path'),
  EACCES: unreachable('administratively prohibited'),
  EPERM: local('the firewall of this host refuses the packet', 'Let the OUTPUT rules of this host accept it.'),
  ETIMEDOUT: ['timeout', 'no answer to TCP segments'],
  ECONNRESET: ['closed', 'connection reset'],
  EPIPE: ['closed', 'connection closed'],
  ECONNABORTED: ['closed', 'connection aborted'],
  EMFILE: NO_FILES,
  ENFILE: NO_FILES,
  EADDRNOTAVAIL: local('no local address or port is free'),
  EADDRINUSE: local('the local port is in use'),
  EAFNOSUPPORT: local('this host does not have the address family'),
  EAGAIN: local('no process or memory is left', 'Raise the limit of processes (TasksMax=, ulimit -u).'),
  ENOBUFS: local('no buffer space is left'),
  ENOMEM: local('no memory is left'),
};

/** Turns an error of a socket into the failure that it stands for; a CheckFailure stays what it is. */
export function socketFailure(error: unknown): CheckFailure {
  if (error instanceof CheckFailure) return error;
  const tls = openSslFailure(error);
  if (tls !== undefined) return tls;
  const { code, message } = readError(error);
  const known = code !== undefined && Object.hasOwn(CODES, code) ? CODES[code] : undefined;
  const unknown = (): Known => ['failed', code === undefined ? message : `${code}: ${message}`];
  const [reason, said, mend, isOwnFault = false] = known ?? unknown();
  return new CheckFailure(reason, said, { cause: error, isOwnFault, ...(mend !== undefined && { mend }) });
}

function readError(error: unknown): { code: string | undefined; message: string } {
  if (!(error instanceof Error)) return { code: undefined, message: 'a socket has failed' };
  const { code } = error as NodeJS.ErrnoException;
  return { code: typeof code === 'string' ? code : undefined, message: error.message };
}
