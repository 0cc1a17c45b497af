/** Names of /etc/hosts: they come before DNS, as for every other program of the host. */
import { readFile, stat } from 'node:fs/promises';
import { hostsLines } from '../../values/hosts-file.js';
import { addressFamily } from '../../values/inet.js';

/** A file of more is no list of hosts. */
const MAX_BYTES = 2 ** 20;

/** Reads the file anew when it has changed. A file that cannot be read holds no names. */
export class HostsFile {
  readonly #path: string;
  #changed: string | undefined;
  #names: ReadonlyMap<string, readonly string[]> = new Map();

  constructor(path: string) {
    this.#path = path;
  }

  /** Returns all addresses of the name; undefined when the file does not have it. */
  async addresses(name: string): Promise<readonly string[] | undefined> {
    try {
      const { mtimeMs, ino, size } = await stat(this.#path);
      const version = `${mtimeMs} ${ino} ${size}`;
      if (version !== this.#changed && size <= MAX_BYTES) this.#names = namesOf(await readFile(this.#path, 'utf8'));
      this.#changed = version;
    } catch {
      // There is no such file, or it may not be read: it names nothing.
      [this.#changed, this.#names] = [undefined, new Map()];
    }
    return this.#names.get(name.toLowerCase().replace(/\.$/, ''));
  }
}

function namesOf(text: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { address, names } of hostsLines(text)) {
    if (addressFamily(address) === undefined) continue;
    for (const name of names) {
      const key = name.toLowerCase();
      found.set(key, [...(found.get(key) ?? []), address]);
    }
  }
  return found;
}
