/** The folder that a control socket lies in: who may reach the socket, and who may put another in its place. */
import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { runtimeFolder } from '../../host/holds/folder.js';
import { TunvsError } from '../../values/errors.js';

/**
 * Makes the folder if it is missing. With `isShared`, other users can pass through a folder that is made here, and
 * through /run/tunvs, but neither list nor change it. Returns a warning where they cannot pass.
 */
export function prepareFolder(folder: string, isShared: boolean): string | undefined {
  const mode = isShared ? 0o711 : 0o700;
  try {
    mkdirSync(folder, { mode });
    if (isShared) chmodSync(folder, mode); // the umask may have taken a bit
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EEXIST') throw unusable(folder, error as NodeJS.ErrnoException);
  }
  const status = statSync(folder);
  if (!status.isDirectory()) throw unusable(folder, new Error('it is not a folder'));
  // The sticky bit, as of /tmp, keeps others from removing what is not theirs.
  if ((status.mode & 0o1002) === 0o002)
    throw unusable(folder, new Error(`anybody may write to it: chmod o-w ${folder}`));
  if (!isShared || (status.mode & 0o001) !== 0) return undefined;
  const isOurs = status.uid === process.geteuid?.();
  if (!isOurs || folder !== runtimeFolder())
    return `the group of the control socket cannot reach it where ${folder} keeps others out: chmod o+x ${folder}`;
  chmodSync(folder, (status.mode & 0o7777) | 0o011);
  return undefined;
}

function unusable(folder: string, cause: NodeJS.ErrnoException): TunvsError {
  const mend = cause.code === 'ENOENT' ? ': make the folder above it first, or name another path' : '';
  return new TunvsError(
    ['EACCES', 'EPERM', 'EROFS'].includes(cause.code ?? '') ? 'ERR_TUNVS_PERMISSION' : 'ERR_TUNVS_INVALID_ARGUMENT',
    `the control socket cannot lie in ${folder}: ${cause.message}${mend}`,
    { cause, option: 'socket.path' },
  );
}
