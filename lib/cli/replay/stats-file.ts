/** Opens the file of `replay --stats` before the replay, so that a long one does not end with a refusal. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { writing } from '../files.js';

export class StatsFile {
  readonly #path: string;
  readonly #handle: FileHandle;

  private constructor(path: string, handle: FileHandle) {
    this.#path = path;
    this.#handle = handle;
  }

  /** What a file holds stays until {@link write}. */
  static async open(path: string): Promise<StatsFile> {
    const handle = await writing(named(path), () => open(path, constants.O_WRONLY | constants.O_CREAT));
    return new StatsFile(path, handle);
  }

  async write(text: string): Promise<void> {
    await writing(named(this.#path), async () => {
      if ((await this.#handle.stat()).isFile()) await this.#handle.truncate();
      await this.#handle.writeFile(text);
    });
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

const named = (file: string) => ({ option: '--stats', file, mend: 'name another file, or - for standard output' });
