/** What can go wrong between this program and the daemon, as sentences with the mend. */
import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';

/** The message is one sentence for standard error; the exit code is 1, or 2 for a mistake on the command line. */
export class AdmFailure extends Error {
  constructor(
    message: string,
    readonly exitCode = 1,
  ) {
    super(message);
  }
}

export const MAY_WRITE = "root, the daemon's user and members of the daemon's --control-group may";

/** A failure while nothing has been answered yet. */
export function connectFailure(socket: string, { code, message }: NodeJS.ErrnoException): AdmFailure {
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new AdmFailure(`no daemon listens on ${socket}: ${mend(socket)}`);
    case 'ECONNREFUSED':
      return new AdmFailure(`the daemon that made ${socket} has ended: ${mend(socket)}`);
    case 'EACCES':
    case 'EPERM':
      return new AdmFailure(`this user may not use ${socket}: ${MAY_WRITE}`);
    case 'ENOTSOCK':
    case 'EPROTOTYPE':
      return new AdmFailure(`${socket} is not a daemon's control socket: name another with --socket PATH`);
    case 'EINVAL':
    case 'ENAMETOOLONG':
      return new AdmFailure(`${socket} is too long for a socket's path: name a shorter one with --socket PATH`);
    case 'ECONNRESET':
    case 'EPIPE':
      return diedFailure(socket);
    default:
      if (code?.startsWith('HPE_')) return foreignFailure(socket);
      return new AdmFailure(`${socket} cannot be used (${code ?? message}): name another with --socket PATH`);
  }
}

/** A failure in the middle of an answer. */
export const diedFailure = (socket: string): AdmFailure =>
  new AdmFailure(`the daemon on ${socket} ended before it had answered: look into its log`);

export const foreignFailure = (socket: string): AdmFailure =>
  new AdmFailure(`${socket} does not answer as a tunvs daemon: name another with --socket PATH`);

/** An answer that holds no pieces: its status, and its body, which is an RFC 9457 problem or something else. */
export function refusal(socket: string, status: number | undefined, body: string): AdmFailure {
  if (status === 401 || status === 403) return new AdmFailure(`this user may not do that on ${socket}: ${MAY_WRITE}`);
  const { detail, title } = problem(body);
  if (detail === undefined && title === undefined) return foreignFailure(socket);
  return new AdmFailure(oneLine(detail ?? title ?? ''));
}

function problem(body: string): { detail?: string; title?: string } {
  try {
    const { detail, title } = JSON.parse(body) as Record<string, unknown>;
    return { ...(typeof detail === 'string' && { detail }), ...(typeof title === 'string' && { title }) };
  } catch {
    // It is no JSON, so it is no problem either.
    return {};
  }
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();

/** Names the daemons beside this one: the usual mistake is a daemon of another name. */
function mend(socket: string): string {
  const start = 'start it with "tunvs run --source ADDRESS"';
  let others: string[] = [];
  try {
    others = readdirSync(dirname(socket))
      .filter((file) => file.endsWith('.sock') && !socket.endsWith(`/${file}`))
      .map((file) => file.slice(0, -'.sock'.length));
  } catch {
    // No folder, no daemons.
  }
  if (others.length === 0) return `${start}, or name its socket with --socket PATH`;
  return `${start}, or name another with --name (there ${others.length === 1 ? 'is' : 'are'} ${others.join(', ')})`;
}
