/** How many checks may be under way at once, unless somebody says: sockets of checks leave descriptors for the rest. */
import { readFileSync } from 'node:fs';

const MOST = 512;
/** One check has two sockets with `via: both`. */
const FILES_OF_CHECK = 2;
/** What the director, its control server, `ip` and programs need besides. */
const FILES_OF_OTHERS = 256;
const LEAST = 16;

/** `openFiles` is the limit of open files; undefined where it is not known. */
export function usualAtOnce(openFiles = openFileLimit()): number {
  if (openFiles === undefined) return MOST;
  return Math.min(MOST, Math.max(LEAST, Math.floor((openFiles - FILES_OF_OTHERS) / FILES_OF_CHECK)));
}

function openFileLimit(): number | undefined {
  try {
    return parsedLimit(readFileSync('/proc/self/limits', 'utf8'));
  } catch {
    // Without /proc the limit is not known, and the usual one is taken.
    return undefined;
  }
}

/** Returns the soft limit of proc_pid_limits(5), which Node raises to the hard one when it starts. */
export function parsedLimit(text: string): number | undefined {
  const found = /^Max open files +(\d+)/m.exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}
