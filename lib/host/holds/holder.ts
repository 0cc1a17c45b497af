/**
 * What one director or real server host holds on the host. Other holders, in this process and in others, may hold the
 * same: it is taken back with the last of them, and a holder whose process has ended counts no more.
 *
 * Invariants:
 * 1. What must be taken back is on record before it is made, and until it has been taken back.
 * 2. The record of a sysctl names the value that it had before the first of its holders.
 */
import type { Host } from '../host.js';
import { thisHost } from '../host.js';
import type { HostCommand, HostStep } from '../step.js';
import { type Entry, entryOf, keyOf } from './entry.js';
import { FileStore } from './file-store.js';
import { FOLDER_VARIABLE, namespaceFolder, runtimeFolder } from './folder.js';
import { Guardian, GUARDIAN_VARIABLE } from './guardian.js';
import { type Book, MemoryStore, type OwnBook, type Store } from './store.js';
import { cleanUp, endsLoops, handOver, undoCommands, undoEntry } from './undo.js';

interface Known {
  store: Store;
  /** Says why holds count within this process only. */
  problem?: string;
}

const stores = new WeakMap<Host, Known>();

function knownOf(asked: Host): Known {
  const host = asked.live ?? asked;
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
        'processes are not counted, and what a killed process leaves on the host stays: ' +
        `make it a folder that this user owns, with mode 700, or name another in ${FOLDER_VARIABLE}`,
    };
  }
}

/** Says whether tunvs, even in a process that was killed, made what this undoes, rather than somebody else. */
export function isOurs(host: Host, undo: HostCommand): boolean {
  const key = keyOf({ undo });
  return knownOf(host)
    .store.books()
    .some(({ entries }) => entries.has(key));
}

export interface FindOptions {
  /** Looks at holders only whose process lives. REQUIRES: together(). */
  isLiving?: boolean;
}

/** Returns the first entry of any holder that `isWanted`. */
export function findOurs(
  host: Host,
  isWanted: (entry: Entry) => boolean,
  { isLiving = false }: FindOptions = {},
): Entry | undefined {
  const books = knownOf(host)
    .store.books()
    .filter((book) => !isLiving || book.isAlive());
  return books.flatMap(({ entries }) => [...entries.values()]).find(isWanted);
}

export class Holder {
  readonly #host: Host;
  #book: OwnBook | undefined;
  #guardian: Guardian | undefined;
  #leftOver: Error[] = [];
  readonly #patienceSeconds: number;
  #isSettled: boolean;
  /** How many further steps of this holder made the same thing, by key; a key that is absent was made once. */
  readonly #more = new Map<string, number>();

  /**
   * With `patienceSeconds` above 0 the holder has a successor where it is killed, which finds everything as it was for so
   * long; and what killed processes have left for it stays until {@link settle}, so that nothing lacks in between.
   */
  constructor(host: Host, patienceSeconds = 0) {
    this.#host = host;
    this.#patienceSeconds = patienceSeconds;
    this.#isSettled = patienceSeconds === 0;
  }

  /** Says what holding lacks here, and what killed processes left that could not be taken back, one sentence each. */
  get warnings(): string[] {
    const { problem } = knownOf(this.#host);
    return [
      ...(problem === undefined ? [] : [problem]),
      ...(this.#guardian?.problem === undefined ? [] : [this.#guardian.problem]),
      ...this.#leftOver.map(
        ({ message }) => `something that a killed director or real server left could not be removed: ${message}`,
      ),
    ];
  }

  /** Keeps plans and steps within `run` apart from other holders'. With `orGoOn` it runs even if that cannot be had. */
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
      // Another holder of ours has made it.
      if (others.length > 0 && isThere(error)) return;
      if (!isAgain) book.remove(key);
      throw error;
    }
  }

  /**
   * Takes steps in few runs of ip(8), and goes on after one that fails; returns an error, or nothing, for each.
   * REQUIRES: together().
   */
  takeAll(steps: readonly HostStep[]): (Error | undefined)[] {
    const book = this.start();
    const others = this.#otherBooks();
    const taken = steps.map((step) => {
      const entry = entryOf(step);
      const key = entry && keyOf(entry);
      const isAgain = key !== undefined && book.entries.has(key);
      if (entry !== undefined && key !== undefined && !isAgain) book.add(key, entry);
      return { key, isAgain };
    });
    const results = this.#host.runAll(steps.map(({ command }) => command));
    return taken.map(({ key, isAgain }, index) => {
      const error = results[index];
      const isOthers = key !== undefined && others.some(({ entries }) => entries.has(key));
      if (key !== undefined && isAgain && error === undefined) this.#more.set(key, (this.#more.get(key) ?? 0) + 1);
      if (error === undefined || (isOthers && isThere(error))) return undefined;
      if (key !== undefined && !isAgain) book.remove(key);
      return error;
    });
  }

  /** Holds what was made elsewhere. REQUIRES: together(). */
  adopt(step: HostStep): void {
    const entry = entryOf(step);
    if (entry === undefined) return;
    const key = keyOf(entry);
    const book = this.start();
    if (book.entries.has(key)) this.#more.set(key, (this.#more.get(key) ?? 0) + 1);
    else book.add(key, entry);
  }

  /** Knows what `step` made as `now` from here on, because its device was renamed. REQUIRES: together(). */
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

  /** Takes steps back in few runs of ip(8), unless others hold them; returns what failed. REQUIRES: together(). */
  releaseAll(steps: readonly HostStep[]): Error[] {
    const living = lazily(() => this.#otherBooks().filter((book) => book.isAlive()));
    const failures: Error[] = [];
    let due: Entry[] = [];
    const flush = () => {
      failures.push(...undoCommands(this.#host, due));
      for (const entry of due) this.#book?.remove(keyOf(entry));
      due = [];
    };
    for (const step of steps) {
      const planned = entryOf(step);
      const key = planned && keyOf(planned);
      const entry = key === undefined ? undefined : this.#book?.entries.get(key);
      if (key === undefined || entry === undefined) continue;
      if ('argv' in entry.undo && !this.#more.get(key) && !living().some(({ entries }) => entries.has(key))) {
        due.push(entry);
        continue;
      }
      flush();
      try {
        this.release(step);
      } catch (error) {
        failures.push(error as Error);
      }
    }
    flush();
    return failures;
  }

  /** Holds nothing any more. The holder may start again. */
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

  /** A value that is there already is not written, since not every container could write it. */
  #make({ command }: HostStep): void {
    if ('write' in command && this.#host.readSysctl(command.write) === command.value) return;
    this.#host.run(command);
  }

  /**
   * Begins to hold. What killed processes left is removed first, except sysctls: those are taken over, or settled when
   * this holder has what it needs, so that the host does not stop forwarding in between. REQUIRES: together().
   */
  start(): OwnBook {
    if (this.#book !== undefined) return this.#book;
    const { store } = knownOf(this.#host);
    if (this.#isSettled) this.#leftOver = cleanUp(store, this.#host, { isDue: ({ undo }) => 'argv' in undo });
    this.#book = store.open();
    if (store instanceof FileStore && process.env[GUARDIAN_VARIABLE] !== 'off')
      this.#guardian = new Guardian(store.folder, this.#book.id, this.#patienceSeconds);
    return this.#book;
  }

  /** Takes back the sysctls of killed processes that nobody holds now. REQUIRES: together(). */
  takeBackSysctls(): void {
    if (this.#book !== undefined && this.#isSettled)
      this.#leftOver.push(...cleanUp(knownOf(this.#host).store, this.#host));
  }

  /** Has what it needs: takes back what else killed processes have left. */
  settle(): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.together(() => this.takeBackSysctls());
  }

  #others(key: string): Book[] {
    return this.#otherBooks().filter(({ entries }) => entries.has(key));
  }

  #otherBooks(): Book[] {
    return knownOf(this.#host)
      .store.books()
      .filter(({ id }) => id !== this.#book?.id);
  }

  /** Returns what was there before the first holder, unless somebody else has changed it since. */
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

function lazily<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

function isThere(error: unknown): boolean {
  return /file exists|address already in use|already assigned/i.test((error as Error).message);
}
