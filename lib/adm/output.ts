/**
 * Writes to a descriptor at once, without node's streams: a slow reader stops this program, which stops the daemon's
 * answer, so memory stays flat; and the process may end right after.
 */
import { writeSync } from 'node:fs';

/** Another holder of the descriptor may have set it to answer EAGAIN instead of waiting. */
const RETRY_MS = 5;

/** Thrown when nobody reads the output any more. */
export class ReaderGone extends Error {}

export function write(fd: number, text: string): void {
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
