/** The files that a configuration is made of, as the reader sees them; tests have others. */
import {
  accessSync,
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
} from 'node:fs';
import type { FileUse } from '../../health/checks/kind.js';

/** A file of 10,000 services of 20 servers each has less. */
export const MAX_BYTES = 64 * 2 ** 20;

/** Stands where a system's code would, which has none for pipes, sockets and devices. */
const NO_FILE = 'ENOFILE';

/** Where {@link parseConfig} reads. */
export interface ConfigFiles {
  /** Throws what the system says, with its `code`. */
  read(path: string): string | Uint8Array;
  /** Returns the names in a folder. */
  list(folder: string): string[];
  /** Returns what lies at a path; undefined where nothing does. */
  kind(path: string): 'file' | 'folder' | 'other' | undefined;
  /** Returns the same text for two paths of one file. */
  identity(path: string): string;
  /** Whether any user of the host can change the file. */
  isAnybodys?(path: string): boolean;
  /** Says why the file cannot be read or executed, as in 'it is missing'; undefined where it can be. */
  whyUseless?(path: string, use: FileUse): string | undefined;
}

export const diskFiles: ConfigFiles = {
  read(path) {
    // A pipe without a writer must not hold the open, nor a device without an end the reading.
    const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const status = fstatSync(descriptor);
      if (status.isDirectory()) throw Object.assign(new Error(), { code: 'EISDIR' });
      if (!status.isFile()) throw Object.assign(new Error(), { code: NO_FILE });
      if (status.size > MAX_BYTES) throw Object.assign(new Error(), { code: 'EFBIG' });
      return readFileSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  },
  list: (folder) => readdirSync(folder),
  kind(path) {
    const status = statSync(path, { throwIfNoEntry: false });
    if (status === undefined) return undefined;
    return status.isFile() ? 'file' : status.isDirectory() ? 'folder' : 'other';
  },
  identity: (path) => realpathSync(path),
  isAnybodys(path) {
    const status = statSync(path, { throwIfNoEntry: false });
    return status?.isFile() === true && (status.mode & 0o002) !== 0;
  },
  whyUseless(path, use) {
    try {
      if (!statSync(path).isFile()) return 'it is no file';
      accessSync(path, use === 'executable' ? constants.X_OK : constants.R_OK);
      return undefined;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EACCES' || code === 'EPERM') return `it may not be ${use === 'executable' ? 'executed' : 'read'}`;
      return whyUnread(error);
    }
  },
};

const WHY: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such folder',
  EISDIR: 'it is a folder',
  EACCES: 'you may not read it',
  EPERM: 'you may not read it',
  ELOOP: 'its symbolic links lead in a circle',
  [NO_FILE]: 'it is no ordinary file',
  EFBIG: 'it is larger than 64 MiB',
  ENAMETOOLONG: 'its name is too long',
};

/** Says why a file cannot be read. */
export function whyUnread(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === undefined) throw error;
  return WHY[code] ?? message;
}
