/** The file of `replay --stats`: it is opened before the replay, so that a long one does not end with a refusal. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/** What is wrong, by the code of the error. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such folder',
  ENOTDIR: 'its path leads through something that is not a folder',
  EISDIR: 'it is a folder',
  EACCES: 'you may not write it',
  EPERM: 'you may not write it',
  EROFS: 'its file system is read-only',
  ELOOP: 'its symbolic links lead in a circle',
  ENAMETOOLONG: 'its name is too long',
  ENOSPC: 'there is no space left on its device',
  EDQUOT: 'your quota of its device is used up',
};

export class StatsFile {
  readonly #path: string;
  readonly #handle: FileHandle;

  private constructor(path: string, handle: FileHandle) {
    this.#path = path;
    this.#handle = handle;
  }

  /** What a file holds stays until {@link write}. */
  static async open(path: string): Promise<StatsFile> {
    const handle = await open(path, constants.O_WRONLY | constants.O_CREAT).catch((error) => fail(path, error));
    return new StatsFile(path, handle);
  }

  async write(text: string): Promise<void> {
    try {
      if ((await this.#handle.stat()).isFile()) await this.#handle.truncate();
      await this.#handle.writeFile(text);
    } catch (error) {
      fail(this.#path, error);
    }
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

function fail(path: string, cause: unknown): never {
  const { code = 'an unknown error' } = cause as NodeJS.ErrnoException;
  const why = REASONS[code] ?? `it cannot be written (${code})`;
  const message = `replay: --stats ${path}: ${why}; name another file, or - for standard output`;
  throw Object.assign(new Error(message, { cause }), { code });
}
