/** Makes the error of a failed change to the host: the command, what it said, and how to mend it. */
import { TunvsError, type TunvsErrorCode } from '../values/errors.js';
import { formatHostCommand, type HostCommand } from './step.js';

/** ip(8) answers at once or never. */
export const COMMAND_TIMEOUT_MS = 10_000;

const MENDS: Partial<Record<TunvsErrorCode, string>> = {
  ERR_TUNVS_PERMISSION: 'run as root, with CAP_NET_ADMIN, or under "unshare -Urnm"',
};

export function failure(command: HostCommand, said: string, cause: unknown): TunvsError {
  const { code, errno } = cause as NodeJS.ErrnoException;
  if (code === 'ENOENT' && 'argv' in command) {
    return new TunvsError(
      'ERR_TUNVS_HOST',
      'ip(8), which sets up the host, is missing: install it with "apt install iproute2"',
      { cause },
    );
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
