/** Makes the errors of the host: the command or the question that failed, what was said, and how to mend it. */
import { getSystemErrorName } from 'node:util';
import { TunvsError, type TunvsErrorCode } from '../values/errors.js';
import { formatHostCommand, type HostCommand } from './step.js';

/** ip(8) answers at once or never. */
export const COMMAND_TIMEOUT_MS = 10_000;

const MENDS: Partial<Record<TunvsErrorCode, string>> = {
  ERR_TUNVS_PERMISSION: 'run as root, with CAP_NET_ADMIN, or under "unshare -Urnm"',
};

export function failure(command: HostCommand, said: string, cause: unknown): TunvsError {
  const { errno } = cause as NodeJS.ErrnoException;
  const code = codeOf(cause);
  if (code === 'ENOENT' && 'argv' in command) {
    return new TunvsError(
      'ERR_TUNVS_HOST',
      'ip(8), which sets up the host, is missing: install it with "apt install iproute2"',
      { cause },
    );
  }
  if (code === 'EMFILE' || code === 'ENFILE') {
    return new TunvsError('ERR_TUNVS_HOST', `"${formatHostCommand(command)}" cannot be done, ${noDescriptor(code)}`, {
      ...{ cause, errno, syscall: 'argv' in command ? 'spawn' : 'write' },
    });
  }
  if (code === 'EROFS') {
    return new TunvsError(
      'ERR_TUNVS_HOST',
      `/proc/sys is read-only here, so "${formatHostCommand(command)}" cannot be done: ` +
        'set it when you start the container (--sysctl), or mount /proc/sys writable',
      { cause, errno, syscall: 'write' },
    );
  }
  const denied = code === 'EACCES' || code === 'EPERM' || /not permitted|permission denied/i.test(said);
  const tunvsCode = denied ? 'ERR_TUNVS_PERMISSION' : 'ERR_TUNVS_HOST';
  const mend = MENDS[tunvsCode];
  return new TunvsError(tunvsCode, `"${formatHostCommand(command)}" failed: ${said}${mend ? `; ${mend}` : ''}`, {
    cause,
  });
}

/** Makes the error of a question that this process could not ask; `what` begins the sentence. */
export function unreadable(what: string, cause: unknown): TunvsError {
  const code = codeOf(cause);
  const why =
    code === 'EMFILE' || code === 'ENFILE' ? noDescriptor(code) : `which says: ${(cause as Error).message}; try again`;
  return new TunvsError('ERR_TUNVS_HOST', `${what} cannot be read, ${why}`, { cause, syscall: 'open' });
}

const LACKS: ReadonlySet<string | undefined> = new Set(['EMFILE', 'ENFILE', 'ENOMEM']);

/** Says whether this process could not ask at all, so that its error is no answer of the host's. */
export function isLackOfOwn(error: unknown): boolean {
  return LACKS.has(codeOf(error));
}

/** The code of the system. Node puts some one level down, and does not know a number that libuv forgot to negate. */
export function codeOf(error: unknown): string | undefined {
  const { code, info } = error as NodeJS.ErrnoException & { info?: { errno?: number } };
  return info?.errno === undefined ? code : getSystemErrorName(-Math.abs(info.errno));
}

function noDescriptor(code: 'EMFILE' | 'ENFILE'): string {
  return code === 'EMFILE'
    ? 'because this process has no free file descriptor: ' +
        'raise the limit of open files (LimitNOFILE= in the unit, "ulimit -n" in a shell)'
    : 'because this machine has no free file descriptor: raise the sysctl fs.file-max';
}
