/** Takes back what one holder has made, unless another holds it too, and what the dead have left. */
import type { Host } from '../host.js';
import { type Entry, isFallback } from './entry.js';
import type { Book, Store } from './store.js';

/** The thing to remove went with its device, or somebody else has removed it. */
export function isGone(error: unknown): boolean {
  return /cannot find device|does not exist|no such (process|device|file)|address not found|cannot assign requested address/i.test(
    (error as Error).message,
  );
}

/** Throws what went wrong, unless the thing is gone already. REQUIRES: no living holder holds it. */
export function undoEntry(host: Host, { undo }: Entry): void {
  try {
    if ('write' in undo) {
      const now = host.readSysctl(undo.write);
      // Whoever changed it since keeps that value.
      if (undo.onlyIf !== undefined && now !== undo.onlyIf) return;
      if (now !== undo.value) host.run(undo);
      for (const { write, value } of undo.also ?? []) {
        if (host.readSysctl(write) !== undefined) host.run({ write, value });
      }
      return;
    }
    host.run(undo);
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

/** Commands that one run of ip(8) is given. */
const MOST_AT_ONCE = 1024;

/** Undoes entries that are commands in few runs of ip(8); returns what went wrong. REQUIRES: as {@link undoEntry}. */
export function undoCommands(host: Host, entries: readonly Entry[]): Error[] {
  const failures: Error[] = [];
  for (let begin = 0; begin < entries.length; begin += MOST_AT_ONCE) {
    const results = host.runAll(entries.slice(begin, begin + MOST_AT_ONCE).map(({ undo }) => undo));
    for (const error of results) if (error !== undefined && !isGone(error)) failures.push(error);
  }
  return failures;
}

/** The value of the holder that came last stays in force. */
export function handOver(host: Host, { command }: Entry, heir: Entry): void {
  if (!('write' in command) || !('write' in heir.command) || command.value === heir.command.value) return;
  if (host.readSysctl(command.write) === command.value) host.run(heir.command);
}

/** Says whether it is a route that prevents loops, on a host that still forwards, for all that can be known. */
export function endsLoops(host: Host, entry: Entry): boolean {
  const { undo } = entry;
  const path = 'argv' in undo && undo.argv.includes('-6') ? 'net/ipv6/conf/all/forwarding' : 'net/ipv4/ip_forward';
  if (!isFallback(entry)) return false;
  try {
    return host.readSysctl(path) === '1';
  } catch {
    // Nobody knows: a route that stays on record does less harm than a loop.
    return true;
  }
}

export interface CleanOptions {
  /** Says whether it is time for this entry; the others stay on record. */
  isDue?: (entry: Entry) => boolean;
  /** The one whose things are taken back; what another without a process has as well is left to whoever sees to that. */
  of?: string;
}

/**
 * Takes back what holders without a process have left and no living one holds; what cannot be taken back is returned
 * and forgotten. Routes that prevent loops come last. REQUIRES: the lock.
 */
export function cleanUp(store: Store, host: Host, { isDue = () => true, of }: CleanOptions = {}): Error[] {
  const books = store.books();
  const living = books.filter((book) => book.isAlive());
  const due = books.filter((book) => (of === undefined || book.id === of) && !living.includes(book));
  const heirs = of === undefined ? living : books.filter(({ id }) => id !== of);
  return due.flatMap((book) => cleanBook(store, host, book, heirs, isDue));
}

function cleanBook(
  store: Store,
  host: Host,
  book: Book,
  heirs: readonly Book[],
  isDue: (entry: Entry) => boolean,
): Error[] {
  const failures: Error[] = [];
  const left = new Map(book.entries);
  const newestFirst = [...book.entries].reverse();
  const inOrder = [false, true].flatMap((wanted) => newestFirst.filter(([, entry]) => isFallback(entry) === wanted));
  let commands: Entry[] = [];
  const flush = () => {
    failures.push(...undoCommands(host, commands));
    commands = [];
  };
  for (const [key, entry] of inOrder) {
    if (!isDue(entry)) continue;
    left.delete(key);
    const heir = heirs.findLast(({ entries }) => entries.has(key))?.entries.get(key);
    if (heir === undefined && 'argv' in entry.undo) {
      commands.push(entry);
      continue;
    }
    flush();
    try {
      if (heir === undefined) undoEntry(host, entry);
      else handOver(host, entry, heir);
    } catch (error) {
      failures.push(error as Error);
    }
  }
  flush();
  store.replace(book.id, left);
  return failures;
}
