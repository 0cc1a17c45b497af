/**
 * What one director or real server host holds on the host. Others, of this process and of others, may hold the same:
 * it is taken back with the last of them, and a holder whose process has ended counts no more.
 *
 * Invariants:
 * 1. What is to be taken back is on record before it is made, and until it has been taken back.
 * 2. The record of a sysctl names the value that it had before the first of those who hold it.
 */
import type { Host } from '../host.js';
import { thisHost } from '../host.js';
import type { HostCommand, HostStep } from '../step.js';
import { type Entry, entryOf, keyOf } from './entry.js';
import { FileStore } from './file-store.js';
import { FOLDER_VARIABLE, namespaceFolder, runtimeFolder } from './folder.js';
import { Guardian, GUARDIAN_VARIABLE } from './guardian.js';
import { type Book, MemoryStore, type OwnBook, type Store } from './store.js';
import { cleanUp, endsLoops, handOver, undoEntry } from './undo.js';

interface Known {
  store: Store;
  /** Why it counts within this process alone. */
  problem?: string;
}

const stores = new WeakMap<Host, Known>();

function knownOf(host: Host): Known {
  let known = stores.get(host);
  if (known === undefined) {
    known = host === thisHost ? openStore() : { store: new MemoryStore() };
    stores.set(host, known);
  }
  return known;
}

function openStore(): Known {
  try {
    return { store: new FileStore(namespaceFolder()) };
  } catch (error) {
    return {
      store: new MemoryStore(),
      problem:
        `${runtimeFolder()} cannot be used (${(error as Error).message}), so directors and real servers of other ` +
        'processes are not counted, and what a killed one leaves on the host stays: ' +
        `make it a folder of this user's with mode 700, or name another in ${FOLDER_VARIABLE}`,
    };
  }
}

/** Whether something that this undoes is made by tunvs, a killed one included, and not by somebody else. */
export function isOurs(host: Host, undo: HostCommand): boolean {
  const key = keyOf({ undo });
  return knownOf(host)
    .store.books()
    .some(({ entries }) => entries.has(key));
}

/** The first entry of any holder that `isWanted`. */
export function findOurs(host: Host, isWanted: (entry: Entry) => boolean): Entry | undefined {
  const books = knownOf(host).store.books();
  return books.flatMap(({ entries }) => [...entries.values()]).find(isWanted);
}

export class Holder {
  readonly #host: Host;
  #book: OwnBook | undefined;
  #guardian: Guardian | undefined;
  #leftOver: Error[] = [];
  /** How many steps of this holder made the same, by key; none: one. */
  readonly #more = new Map<string, number>();

  constructor(host: Host) {
    this.#host = host;
  }

  /** One sentence each: what holding lacks here, and what of killed ones could not be taken back. */
  get warnings(): string[] {
    const { problem } = knownOf(this.#host);
    return [
      ...(problem === undefined ? [] : [problem]),
      ...(this.#guardian?.problem === undefined ? [] : [this.#guardian.problem]),
      ...this.#leftOver.map(
        ({ message }) => `what a killed director or real server left could not be removed: ${message}`,
      ),
    ];
  }

  /** Plans and steps within `run` are not mixed with another holder's. `orGoOn`: when that cannot be had, they are. */
  together<T>(run: () => T, orGoOn = false): T {
    return knownOf(this.#host).store.locked(run, orGoOn);
  }

  /** Runs the step and holds what it makes. REQUIRES: together(). */
  take(step: HostStep): void {
    const planned = entryOf(step);
    if (planned === undefined) return this.#make(step);
    const book = this.start();
    const key = keyOf(planned);
    const isAgain = book.entries.has(key);
    const others = isAgain ? [] : this.#others(key);
    if (!isAgain) book.add(key, { command: step.command, undo: this.#original(planned, others) });
    try {
      this.#make(step);
      if (isAgain) this.#more.set(key, (this.#more.get(key) ?? 0) + 1);
    } catch (error) {
      // Another of ours has made it.
      if (others.length > 0 && isThere(error)) return;
      if (!isAgain) book.remove(key);
      throw error;
    }
  }

  /** Holds what was made otherwise. REQUIRES: together(). */
  adopt(step: HostStep): void {
    const entry = entryOf(step);
    if (entry === undefined) return;
    const key = keyOf(entry);
    const book = this.start();
    if (book.entries.has(key)) this.#more.set(key, (this.#more.get(key) ?? 0) + 1);
    else book.add(key, entry);
  }

  /** What was made by `step` is from now on known as `now`, as its device has another name. REQUIRES: together(). */
  rename(step: HostStep, now: HostStep): void {
    const planned = entryOf(step);
    const renamed = entryOf(now);
    const entry = planned && this.#book?.entries.get(keyOf(planned));
    if (planned === undefined || renamed === undefined || entry === undefined) return;
    const undo =
      'write' in renamed.undo && 'write' in entry.undo ? { ...entry.undo, write: renamed.undo.write } : renamed.undo;
    this.#book?.remove(keyOf(planned));
    this.#book?.add(keyOf({ undo }), { command: now.command, undo });
  }

  /** Takes it back, unless others hold it. REQUIRES: together(). */
  release(step: HostStep): void {
    const planned = entryOf(step);
    const key = planned && keyOf(planned);
    const entry = key === undefined ? undefined : this.#book?.entries.get(key);
    if (key === undefined || entry === undefined) return;
    const more = this.#more.get(key) ?? 0;
    if (more > 0) {
      this.#more.set(key, more - 1);
      return;
    }
    try {
      const heir = this.#others(key)
        .findLast((book) => book.isAlive())
        ?.entries.get(key);
      if (heir === undefined) undoEntry(this.#host, entry);
      else handOver(this.#host, entry, heir);
    } finally {
      this.#book?.remove(key);
    }
  }

  /** Nothing is held any more. It may be taken up again. */
  end(): void {
    const book = this.#book;
    this.#book = undefined;
    this.#more.clear();
    if (book === undefined) return;
    this.together(() => {
      const { store } = knownOf(this.#host);
      cleanUp(store, this.#host, { isDue: (entry) => !endsLoops(this.#host, entry) });
      book.end();
    }, true);
    this.#guardian?.dismiss();
    this.#guardian = undefined;
  }

  /** A value that is there already is not written, which not every container could. */
  #make({ command }: HostStep): void {
    if ('write' in command && this.#host.readSysctl(command.write) === command.value) return;
    this.#host.run(command);
  }

  /**
   * Begins to hold. What killed ones have left is taken away first, but for sysctls: those are taken over, or settled when this holder
   * has what it needs, so that the host does not stop forwarding in between. REQUIRES: together().
   */
  start(): OwnBook {
    if (this.#book !== undefined) return this.#book;
    const { store } = knownOf(this.#host);
    this.#leftOver = cleanUp(store, this.#host, { isDue: ({ undo }) => 'argv' in undo });
    this.#book = store.open();
    if (store instanceof FileStore && process.env[GUARDIAN_VARIABLE] !== 'off')
      this.#guardian = new Guardian(store.folder, this.#book.id);
    return this.#book;
  }

  /** Takes back the sysctls of killed ones that nobody holds now. REQUIRES: together(). */
  takeBackSysctls(): void {
    if (this.#book !== undefined) this.#leftOver.push(...cleanUp(knownOf(this.#host).store, this.#host));
  }

  #others(key: string): Book[] {
    return knownOf(this.#host)
      .store.books()
      .filter(({ id, entries }) => id !== this.#book?.id && entries.has(key));
  }

  /** What was there before the first holder, unless somebody else has changed it since. */
  #original({ command, undo }: Entry, others: readonly Book[]): HostCommand {
    if (!('write' in command) || !('write' in undo) || undo.onlyIf === undefined) return undo;
    const now = this.#host.readSysctl(undo.write);
    const entries = others.map(({ entries }) => entries.get(undo.write));
    const inForce = entries.find(
      (entry) => entry !== undefined && 'write' in entry.command && entry.command.value === now,
    );
    const before =
      inForce !== undefined && 'write' in inForce.undo ? inForce.undo : { ...undo, value: now ?? undo.value };
    return { ...before, onlyIf: command.value };
  }
}

function isThere(error: unknown): boolean {
  return /file exists|address already in use|already assigned/i.test((error as Error).message);
}
