/** Says why a file of the command line cannot be used, and what to do about it. */
import { getSystemErrorName } from 'node:util';
import { TunvsError } from '../values/errors.js';

interface NamedFile {
  /** As in `--in`. */
  option: string;
  file: string;
  /** Stands last. */
  mend: string;
}

const WHY: Readonly<Record<string, { read: string; write: string }>> = {
  ENOENT: { read: 'there is no such file', write: 'its folder does not exist' },
  ENOTDIR: { read: 'there is no such folder', write: 'there is no such folder' },
  EISDIR: { read: 'it is a folder', write: 'it is a folder' },
  EACCES: { read: 'you may not read it', write: 'you may not write it' },
  EROFS: { read: 'you may not read it', write: 'it is on a file system that cannot be written' },
  ELOOP: { read: 'its symbolic links lead in a circle', write: 'its symbolic links lead in a circle' },
  ENAMETOOLONG: { read: 'its name is too long', write: 'its name is too long' },
  EPERM: { read: 'you may not read it', write: 'you may not write it' },
  ENXIO: { read: 'it is a socket', write: 'it is a socket' },
  EFBIG: { read: 'it is larger than 64 MiB', write: 'it is too large for its file system' },
  ENOSPC: { read: 'no space is left', write: 'no space is left on its file system' },
};

/** Runs `use`, which reads the file; a failure of the system's names the option. What the file holds is not judged. */
export async function reading<T>(named: NamedFile, use: () => T | Promise<T>): Promise<T> {
  return using(named, 'read', use);
}

/** Does the same where `use` writes the file. */
export async function writing<T>(named: NamedFile, use: () => T | Promise<T>): Promise<T> {
  return using(named, 'write', use);
}

async function using<T>({ option, file, mend }: NamedFile, how: 'read' | 'write', use: () => T | Promise<T>) {
  try {
    return await use();
  } catch (error) {
    const { errno, syscall, message } = error as { errno?: number; syscall?: string; message: string };
    if (errno === undefined) throw error;
    const why = WHY[getSystemErrorName(-Math.abs(errno))]?.[how] ?? message;
    const details = { cause: error, errno: Math.abs(errno), syscall };
    throw new TunvsError('ERR_TUNVS_SYSTEM', `${option} ${file}: ${why}: ${mend}`, details);
  }
}
