/**
 * Writes to a descriptor at once, without node's streams: a slow reader stops this program, which stops the daemon's
 * answer, so memory stays flat; and the process may end right after.
 */
import { writeSync } from 'node:fs';

/** Another holder of the descriptor may have set it to answer EAGAIN instead of waiting. */
const RETRY_MS = 5;

/** Thrown when nobody reads the output any more. */
export class ReaderGone extends Error {}

/** Writes what a terminal does not obey: whoever owns the socket may be somebody else than a daemon. */
export function write(fd: number, text: string): void {
  writeRaw(fd, printable(text));
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
const OBEYED = /[\0-\x08\x0b-\x1f\x7f-\x9f\p{Bidi_Control}]/gu;

export function printable(text: string): string {
  return text.replace(OBEYED, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

export function writeRaw(fd: number, text: string): void {
  for (let rest = Buffer.from(text); rest.length > 0; ) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EPIPE') throw new ReaderGone();
      if (code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    }
  }
}
