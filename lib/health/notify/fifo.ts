/** A named pipe that gets keepalived's lines, whether somebody reads it or not. */
import { execFileSync } from 'node:child_process';
import { closeSync, constants, existsSync, fstatSync, openSync, writeSync } from 'node:fs';
import { TunvsError } from '../../values/errors.js';

/** Writes into an open pipe. */
export interface WriteLines {
  /** Writes the line; returns false when the pipe is full. */
  write(line: string): boolean;
  close(): void;
}

/** Opens the pipe, and makes it if there is none. */
export function openFifo(path: string): WriteLines {
  if (!existsSync(path)) execFileSync('mkfifo', ['-m', '600', path], { stdio: 'pipe' });
  // Open for both, it needs no reader, and no reader that goes away ends the process by SIGPIPE.
  const descriptor = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  if (!fstatSync(descriptor).isFIFO()) {
    closeSync(descriptor);
    throw new TunvsError('ERR_TUNVS_INVALID_ARGUMENT', `${path} is no named pipe: name another, or remove it`);
  }
  return {
    write: (line) => {
      try {
        writeSync(descriptor, line);
        return true;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return false;
        throw error;
      }
    },
    close: () => closeSync(descriptor),
  };
}
