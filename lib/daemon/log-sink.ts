/** Where lines of a log go. A sink drops what it cannot write, and counts it; it says how many once it can write again. */
import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs';
import { type LostLines, lostLines } from './lost-lines.js';

export interface LogSink {
  /** Never throws, never waits for a reader. */
  write(line: string): void;
  /** A log's file has been moved away: goes on in a new one. */
  reopen(): void;
}

/** A reader that stands still costs this much memory. */
const MOST_WAITING_BYTES = 1 << 20;

/**
 * Writes to a pipe, a socket or a terminal. The stream itself keeps what its reader does not take, and this keeps that
 * bounded.
 */
export function streamSink(
  stream: NodeJS.WritableStream & { writableLength?: number; destroyed?: boolean },
  lost = lostLines('human'),
): LogSink {
  let dropped = 0;
  return {
    write(line) {
      if (stream.destroyed) return;
      if ((stream.writableLength ?? 0) + line.length > MOST_WAITING_BYTES) {
        dropped += 1;
        return;
      }
      if (dropped > 0) stream.write(lost(dropped, 'its reader was too slow'));
      dropped = 0;
      stream.write(line);
    },
    reopen: () => {},
  };
}

/** Appends to a file that is open already, such as a standard error that leads to one. */
export function descriptorSink(descriptor: number, lost = lostLines('human')): LogSink {
  return { write: appender(() => descriptor, lost), reopen: () => {} };
}

/**
 * Appends to the file, which is made where it is missing, so that a rotation by copying and truncating works as well as
 * one by moving.
 *
 * @throws when it cannot be opened.
 */
export function fileSink(path: string, lost = lostLines('human')): LogSink {
  let descriptor = openLog(path);
  return {
    write: appender(() => descriptor, lost),
    reopen() {
      try {
        const next = openLog(path);
        closeSync(descriptor);
        descriptor = next;
      } catch {
        // The old file is better than none.
      }
    },
  };
}

/** Whether bytes go to a file of a disk, which takes them at once or fails. */
export function isFile(descriptor: number): boolean {
  try {
    const status = fstatSync(descriptor);
    return status.isFile();
  } catch {
    // It is closed: nothing takes its bytes.
    return false;
  }
}

function openLog(path: string): number {
  const { O_APPEND, O_CREAT, O_NOCTTY, O_NONBLOCK, O_WRONLY } = constants;
  return openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY | O_NONBLOCK, 0o640);
}

/** A disk that is full now may have room later, so that each line is tried. */
function appender(descriptor: () => number, lost: LostLines): (line: string) => void {
  let dropped = 0;
  let isTorn = false;
  let why = '';
  return (line) => {
    try {
      const said = `${isTorn ? '\n' : ''}${dropped > 0 ? lost(dropped, why) : ''}${line}`;
      const bytes = Buffer.from(said);
      const written = writeSync(descriptor(), bytes);
      // The last block of a disk takes a part; the rest is worth nothing without it.
      isTorn = written < bytes.length;
      dropped = isTorn ? dropped + 1 : 0;
      if (isTorn) why = 'the disk was full';
    } catch (error) {
      dropped += 1;
      const { code, message } = error as NodeJS.ErrnoException;
      why = code === 'ENOSPC' || code === 'EDQUOT' ? 'the disk was full' : message;
    }
  };
}
