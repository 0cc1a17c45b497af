/**
 * A holder's book as a file: a line for each change, so that what was written stands whenever the process dies. If the
 * last line has no end, nothing was done after it.
 */
import { closeSync, constants, fstatSync, openSync, readSync, renameSync, writeSync } from 'node:fs';
import { type Entry, keyOf, readEntry } from './entry.js';

/** No host has as much: 100,000 proxy entries take a tenth of it. */
const MOST_BYTES = 256 << 20;

interface Read {
  inode: number;
  offset: number;
  entries: Map<string, Entry>;
}

/** Reads journals, and of each only what is new. */
export class JournalReader {
  readonly #read = new Map<string, Read>();

  /** Returns an empty map when there is no journal, or none that can be read. */
  read(path: string): ReadonlyMap<string, Entry> {
    let descriptor: number;
    try {
      descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    } catch {
      // A holder that died before it made anything has no journal; a file that is not ours is not read.
      this.#read.delete(path);
      return new Map();
    }
    try {
      const { ino: inode, size } = fstatSync(descriptor);
      let known = this.#read.get(path);
      if (known === undefined || known.inode !== inode || known.offset > size) {
        known = { inode, offset: 0, entries: new Map() };
        this.#read.set(path, known);
      }
      if (size <= MOST_BYTES) take(known, readFrom(descriptor, known.offset, size));
      return known.entries;
    } finally {
      closeSync(descriptor);
    }
  }

  forget(path: string): void {
    this.#read.delete(path);
  }
}

function readFrom(descriptor: number, offset: number, end: number): Buffer {
  const bytes = Buffer.alloc(Math.max(0, end - offset));
  let filled = 0;
  while (filled < bytes.length) {
    const count = readSync(descriptor, bytes, filled, bytes.length - filled, offset + filled);
    if (count === 0) break;
    filled += count;
  }
  return bytes.subarray(0, filled);
}

function take(known: Read, bytes: Buffer): void {
  const end = bytes.lastIndexOf('\n') + 1;
  known.offset += end;
  for (const line of bytes.toString('utf8', 0, end).split('\n')) {
    const said = parse(line);
    if (typeof said === 'string') known.entries.delete(said);
    else if (said !== undefined) known.entries.set(keyOf(said), said);
  }
}

/** Returns an entry that was added, or the key of one that was removed; undefined for what tunvs did not write. */
function parse(line: string): Entry | string | undefined {
  try {
    const { add, remove } = JSON.parse(line) as { add?: unknown; remove?: unknown };
    return typeof remove === 'string' ? remove : readEntry(add);
  } catch {
    // tunvs does not write such a line.
    return undefined;
  }
}

/** Writes a journal, and from time to time drops the lines of what is gone. */
export class JournalWriter {
  readonly #path: string;
  readonly #entries = new Map<string, Entry>();
  #descriptor: number;
  #lines = 0;

  constructor(path: string) {
    this.#path = path;
    this.#descriptor = create(path);
  }

  get entries(): ReadonlyMap<string, Entry> {
    return this.#entries;
  }

  add(key: string, entry: Entry): void {
    this.#entries.set(key, entry);
    this.#write({ add: entry });
  }

  remove(key: string): void {
    if (this.#entries.delete(key)) this.#write({ remove: key });
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #write(line: object): void {
    this.#lines += 1;
    if (this.#lines > 1000 + 4 * this.#entries.size) this.#rewrite();
    else writeSync(this.#descriptor, `${JSON.stringify(line)}\n`);
  }

  #rewrite(): void {
    const fresh = `${this.#path}.new`;
    const descriptor = create(fresh);
    writeEntries(descriptor, this.#entries.values());
    renameSync(fresh, this.#path);
    closeSync(this.#descriptor);
    this.#descriptor = descriptor;
    this.#lines = this.#entries.size;
  }
}

/** Replaces the journal by one with these entries. */
export function replaceJournal(path: string, entries: ReadonlyMap<string, Entry>): void {
  const descriptor = create(`${path}.new`);
  try {
    writeEntries(descriptor, entries.values());
  } finally {
    closeSync(descriptor);
  }
  renameSync(`${path}.new`, path);
}

function create(path: string): number {
  const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants;
  return openSync(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o600);
}

function writeEntries(descriptor: number, entries: Iterable<Entry>): void {
  for (const entry of entries) writeSync(descriptor, `${JSON.stringify({ add: entry })}\n`);
}
