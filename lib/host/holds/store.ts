/** Says who holds what on a host: the books of all holders, and a lock for changing them together with the host. */
import type { Entry } from './entry.js';

export interface Book {
  readonly id: string;
  /** The entries by key, in the order of making. */
  readonly entries: ReadonlyMap<string, Entry>;
  /** False when the holder's process has ended without taking everything back. REQUIRES: the lock. */
  isAlive(): boolean;
}

/** The book of a holder, open for writing. REQUIRES for all of it: the lock. */
export interface OwnBook {
  readonly id: string;
  readonly entries: ReadonlyMap<string, Entry>;
  /** Written before the host is changed, so that it is on record even if the process dies in between. */
  add(key: string, entry: Entry): void;
  /** Written after the change that takes it back. */
  remove(key: string): void;
  /** The holder is done; the next start takes back what it still holds. */
  end(): void;
}

export interface Store {
  /**
   * Runs `run` while no other process or thread changes the books. With `orGoOn` it runs anyway when the lock takes too
   * long.
   */
  locked<T>(run: () => T, orGoOn?: boolean): T;
  /** The books of all holders. */
  books(): Book[];
  open(): OwnBook;
  /** Writes a dead holder's book anew; without entries the book goes. REQUIRES: the lock. */
  replace(id: string, entries: ReadonlyMap<string, Entry>): void;
}

/** Counts within this process only; what it holds dies with the process. */
export class MemoryStore implements Store {
  readonly #books = new Map<string, Map<string, Entry>>();
  #opened = 0;

  locked<T>(run: () => T): T {
    return run();
  }

  books(): Book[] {
    return [...this.#books].map(([id, entries]) => ({ id, entries, isAlive: () => true }));
  }

  open(): OwnBook {
    this.#opened += 1;
    const id = `${this.#opened}`;
    const entries = new Map<string, Entry>();
    this.#books.set(id, entries);
    return {
      id,
      entries,
      add: (key, entry) => void entries.set(key, entry),
      remove: (key) => void entries.delete(key),
      end: () => void this.#books.delete(id),
    };
  }

  replace(): void {}
}
