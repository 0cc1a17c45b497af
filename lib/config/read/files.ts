/** The files that a configuration is made of, as the reader sees them; tests have others. */
import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';

/** A file of 10,000 services of 20 servers each has less. */
export const MAX_BYTES = 64 * 2 ** 20;

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
}

export const diskFiles: ConfigFiles = {
  read(path) {
    if (statSync(path).size > MAX_BYTES) throw Object.assign(new Error(), { code: 'EFBIG' });
    return readFileSync(path);
  },
  list: (folder) => readdirSync(folder),
  kind(path) {
    const status = statSync(path, { throwIfNoEntry: false });
    if (status === undefined) return undefined;
    return status.isFile() ? 'file' : status.isDirectory() ? 'folder' : 'other';
  },
  identity: (path) => realpathSync(path),
};

const WHY: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such folder',
  EISDIR: 'it is a folder',
  EACCES: 'you may not read it',
  EPERM: 'you may not read it',
  ELOOP: 'its symbolic links lead in a circle',
  EFBIG: 'it is larger than 64 MiB',
  ENAMETOOLONG: 'its name is too long',
};

/** Says why a file cannot be read. */
export function whyUnread(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === undefined) throw error;
  return WHY[code] ?? message;
}
