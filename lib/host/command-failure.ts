/** The error that a failed change to the host ends in: the command, what it said, and the mend. */
import { TunvsError, type TunvsErrorCode } from '../errors.js';
import { formatHostCommand, type HostCommand } from './step.js';

/** ip(8) answers at once or never. */
export const COMMAND_TIMEOUT_MS = 10_000;

const MENDS: Partial<Record<TunvsErrorCode, string>> = {
  ERR_TUNVS_PERMISSION: 'run as root, with CAP_NET_ADMIN, or under "unshare -Urnm"',
};

/** As docker and podman take it. A device that is made later has no setting yet, but takes the default one. */
function sysctlOptions(command: HostCommand): string {
  if (!('write' in command)) return '--sysctl';
  const option = (path: string) => `--sysctl ${path.replaceAll('/', '.')}=${command.value}`;
  const ofDefault = command.write.replace(/\/(conf|neigh)\/(?!all\/|default\/)[^/]+\//, '/$1/default/');
  if (ofDefault === command.write) return option(command.write);
  return `${option(command.write)}, or ${option(ofDefault)} for a device that is made later`;
}

export function failure(command: HostCommand, said: string, cause: unknown): TunvsError {
  const { code, errno } = cause as NodeJS.ErrnoException;
  if (code === 'ENOENT' && 'argv' in command) {
    return new TunvsError(
      'ERR_TUNVS_HOST',
      'ip(8) is missing, which sets up the host: install it with "apt install iproute2"',
      { cause },
    );
  }
  if (code === 'EROFS') {
    return new TunvsError(
      'ERR_TUNVS_HOST',
      `/proc/sys is read-only here, so "${formatHostCommand(command)}" cannot be done: set it when the container is started (${sysctlOptions(command)}), or mount /proc/sys writable`,
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
