/** The files of a configuration, which notes what was looked at: a change there may change what the configuration says. */
import type { ConfigFiles } from './files.js';

export class NotedFiles implements ConfigFiles {
  readonly #files: ConfigFiles;
  readonly #paths: Set<string>;

  constructor(files: ConfigFiles, first: string) {
    this.#files = files;
    this.#paths = new Set([first]);
  }

  /** Files and folders, and those that were not there. */
  get paths(): string[] {
    return [...this.#paths];
  }

  read(path: string): string | Uint8Array {
    this.#paths.add(path);
    return this.#files.read(path);
  }

  kind(path: string): ReturnType<ConfigFiles['kind']> {
    this.#paths.add(path);
    return this.#files.kind(path);
  }

  list(folder: string): string[] {
    this.#paths.add(folder);
    return this.#files.list(folder);
  }

  isAnybodys(path: string): boolean {
    return this.#files.isAnybodys?.(path) ?? false;
  }

  /** What a check runs or reads does not change what the configuration says. */
  whyUseless(...asked: Parameters<NonNullable<ConfigFiles['whyUseless']>>): string | undefined {
    return this.#files.whyUseless?.(...asked);
  }

  identity(path: string): string {
    return this.#files.identity(path);
  }
}
