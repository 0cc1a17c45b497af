/**
 * A daemon's name, which no other daemon of the host has. `/run/tunvs/NAME.lock` is locked for as long as the daemon
 * lives, however it ends, and holds its process id. A file that is left behind locks nothing.
 */
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  lstatSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { makeUnlisted, runtimeFolder } from '../host/holds/folder.js';
import { native } from '../native/addon.js';
import { TunvsError } from '../values/errors.js';

export interface NameLock {
  /** Gives the name back. It is safe to call twice. */
  release(): void;
}

/**
 * @param isChosen - Whether the operator has chosen the name. The default is taken where that can be done: a user who
 * cannot write to the folder has a director all the same.
 * @throws {@link TunvsError} ERR_TUNVS_BUSY when a living daemon has the name.
 */
export function takeName(name: string, isChosen: boolean): NameLock {
  const path = join(runtimeFolder(), `${name}.lock`);
  let descriptor: number;
  try {
    makeUnlisted(runtimeFolder());
    descriptor = lockedFile(path, name);
  } catch (error) {
    if (error instanceof TunvsError) throw error;
    if (!isChosen) return { release: () => {} };
    throw new TunvsError(
      'ERR_TUNVS_PERMISSION',
      `the name ${name} cannot be taken (${(error as Error).message}): start this one with the --user of the host's other ` +
        `directors, make ${runtimeFolder()} a folder of this user's, or name another one by TUNVS_RUNTIME_DIR`,
      { cause: error },
    );
  }
  let isReleased = false;
  return {
    release() {
      if (isReleased) return;
      isReleased = true;
      // It is removed before it is unlocked, so that nobody else's is.
      remove(path);
      closeSync(descriptor);
    },
  };
}

/** A file that its owner removed between opening and locking locks nothing, so that another look is taken. */
function lockedFile(path: string, name: string): number {
  while (true) {
    const descriptor = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
    try {
      if (!native.tryLockFile(descriptor)) throw taken(name, readFileSync(descriptor, 'utf8').trim());
      if (lstatSync(path, { throwIfNoEntry: false })?.ino === fstatSync(descriptor).ino) {
        ftruncateSync(descriptor);
        writeSync(descriptor, `${process.pid}\n`, 0);
        return descriptor;
      }
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
    closeSync(descriptor);
  }
}

function taken(name: string, pid: string): TunvsError {
  const process = /^\d+$/.test(pid) ? ` (process ${pid})` : '';
  return new TunvsError(
    'ERR_TUNVS_BUSY',
    `a daemon with the name ${name} runs already${process}: end it, or give this one another name with --name`,
  );
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It is gone already.
  }
}
