/** The files of a configuration, which notes what was looked at: a change there may change what the configuration says. */
import { type ConfigFiles, diskFiles } from '../../config/read/files.js';

export class WatchedFiles implements ConfigFiles {
  readonly #paths: Set<string>;
  readonly list = diskFiles.list;
  readonly identity = diskFiles.identity;

  constructor(first: string) {
    this.#paths = new Set([first]);
  }

  /** Files and folders, and those that were not there. */
  get paths(): readonly string[] {
    return [...this.#paths];
  }

  read(path: string): string | Uint8Array {
    this.#paths.add(path);
    return diskFiles.read(path);
  }

  kind(path: string): ReturnType<ConfigFiles['kind']> {
    this.#paths.add(path);
    return diskFiles.kind(path);
  }
}
