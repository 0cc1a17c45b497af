/**
 * The books of all processes of a network namespace, as files of one folder:
 *
 *     lock          locked while books and host are changed
 *     ID.held       locked for as long as its holder lives
 *     ID.journal    what that holder has made
 *
 * A lock goes with its process, however that ends. The folder goes with its last book.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { TunvsError } from '../../values/errors.js';
import { native } from '../../native/addon.js';
import type { Entry } from './entry.js';
import { makePrivate, makeUnlisted } from './folder.js';
import { JournalReader, JournalWriter, replaceJournal } from './journal.js';
import type { Book, OwnBook, Store } from './store.js';

/** The owner of the lock runs a few dozen commands of some milliseconds each. */
const PATIENCE_MS = 20_000;
const BETWEEN_LOOKS_MS = 2;

export class FileStore implements Store {
  readonly folder: string;
  readonly #reader = new JournalReader();
  #depth = 0;

  /** @throws when the folder cannot be used. */
  constructor(folder: string) {
    this.folder = folder;
    this.#make();
  }

  locked<T>(run: () => T, orGoOn = false): T {
    if (this.#depth > 0) return run();
    const descriptor = this.#lock(orGoOn);
    this.#depth += 1;
    try {
      return run();
    } finally {
      this.#depth -= 1;
      if (descriptor !== undefined) closeSync(descriptor);
    }
  }

  books(): Book[] {
    return this.#ids().map((id) => ({
      id,
      entries: this.#reader.read(this.#path(id, 'journal')),
      isAlive: () => this.isHeld(id),
    }));
  }

  /** Says whether its holder lives; this takes the lock of a dead one for a moment. REQUIRES: the lock. */
  isHeld(id: string): boolean {
    let descriptor: number;
    try {
      descriptor = openSync(this.#path(id, 'held'), constants.O_RDWR | constants.O_NOFOLLOW);
    } catch {
      // A holder without its file holds nothing.
      return false;
    }
    try {
      return !native.tryLockFile(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }

  open(): OwnBook {
    this.#make();
    const id = `${process.pid}-${randomBytes(6).toString('hex')}`;
    // Node closes the descriptor when the worker thread that opened it ends.
    const held = create(this.#path(id, 'held'));
    native.tryLockFile(held);
    const journal = new JournalWriter(this.#path(id, 'journal'));
    return {
      id,
      entries: journal.entries,
      add: (key, entry) => journal.add(key, entry),
      remove: (key) => journal.remove(key),
      end: () => {
        journal.close();
        if (journal.entries.size === 0) this.replace(id, journal.entries);
        closeSync(held);
      },
    };
  }

  replace(id: string, entries: ReadonlyMap<string, Entry>): void {
    const journal = this.#path(id, 'journal');
    this.#reader.forget(journal);
    if (entries.size > 0) {
      replaceJournal(journal, entries);
      return;
    }
    for (const path of [journal, `${journal}.new`, this.#path(id, 'held')]) remove(path);
    if (this.#ids().length > 0) return;
    remove(join(this.folder, 'lock'));
    removeFolder(this.folder);
  }

  #path(id: string, kind: 'held' | 'journal'): string {
    return join(this.folder, `${id}.${kind}`);
  }

  #ids(): string[] {
    const names = readNames(this.folder).map((name) => /^([\w-]+)\.(held|journal)$/.exec(name)?.[1]);
    return [...new Set(names.filter((id) => id !== undefined))];
  }

  #make(): void {
    makeUnlisted(dirname(this.folder));
    makePrivate(this.folder);
  }

  /** A lock file that was removed meanwhile, with its folder, locks nothing any more. */
  #lock(orGoOn: boolean): number | undefined {
    const path = join(this.folder, 'lock');
    const deadline = performance.now() + PATIENCE_MS;
    while (true) {
      const descriptor = this.#openLock(path);
      if (descriptor !== undefined) {
        if (native.tryLockFile(descriptor) && isAt(path, descriptor)) return descriptor;
        closeSync(descriptor);
      }
      if (performance.now() > deadline) break;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BETWEEN_LOOKS_MS);
    }
    if (orGoOn) return undefined;
    throw new TunvsError(
      'ERR_TUNVS_BUSY',
      `another process has been changing the host for ${PATIENCE_MS / 1000} s: end the process that "fuser ${path}" names`,
    );
  }

  #openLock(path: string): number | undefined {
    try {
      this.#make();
      return create(path);
    } catch (error) {
      // The folder's last user is removing it at this moment.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }
}

function create(path: string): number {
  return openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
}

function isAt(path: string, descriptor: number): boolean {
  try {
    return lstatSync(path).ino === fstatSync(descriptor).ino;
  } catch {
    // The folder was removed: make another.
    return false;
  }
}

function readNames(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // The folder was removed with its last book.
    return [];
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It is gone already.
  }
}

/** Removes the folder if it is empty. */
function removeFolder(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Another process has come meanwhile.
  }
}
