/**
 * Gives a folder to a user, while the user, or whoever has taken over a daemon of theirs, may be at work in it: a link
 * that lies there leads root to no file outside.
 */
import {
  closeSync,
  constants,
  fchownSync,
  fstatSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
} from 'node:fs';
import { join } from 'node:path';
import { TunvsError } from '../values/errors.js';

interface Owner {
  uid: number;
  gid: number;
}

/** The runtime folder has folders of books, and those hold files. */
const MAX_DEPTH = 4;

const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** Neither follows a link nor waits for the other end of a pipe. */
const FILE = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;

/**
 * Makes the folder if it is missing. What is neither a folder, nor a file, nor a socket, and what has a second name
 * elsewhere, stays as it is.
 * @throws {@link TunvsError} ERR_TUNVS_PERMISSION.
 */
export function handOver(folder: string, owner: Owner): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    giveFolder(folder, owner, 0);
  } catch (error) {
    throw new TunvsError(
      'ERR_TUNVS_PERMISSION',
      `${folder} cannot become user ${owner.uid}'s (${(error as Error).message}): it has to be a folder and no link, ` +
        'so remove it, or name another by TUNVS_RUNTIME_DIR',
      { cause: error },
    );
  }
}

function giveFolder(path: string, owner: Owner, depth: number): void {
  const descriptor = openSync(path, FOLDER);
  try {
    // Whatever takes this folder's place meanwhile, its names are looked up in the folder that was opened.
    const opened = `/proc/self/fd/${descriptor}`;
    for (const name of readdirSync(opened)) {
      try {
        giveEntry(join(opened, name), owner, depth + 1);
      } catch {
        // It is gone, or has become something else: it is nobody's loss but the user's.
      }
    }
    fchownSync(descriptor, owner.uid, owner.gid);
  } finally {
    closeSync(descriptor);
  }
}

function giveEntry(path: string, owner: Owner, depth: number): void {
  const status = lstatSync(path);
  if (status.isDirectory() && depth < MAX_DEPTH) giveFolder(path, owner, depth);
  else if (status.isFile()) giveFile(path, owner);
  else if (status.isSocket() && status.nlink === 1) lchownSync(path, owner.uid, owner.gid);
}

function giveFile(path: string, { uid, gid }: Owner): void {
  const descriptor = openSync(path, FILE);
  try {
    const status = fstatSync(descriptor);
    if (status.isFile() && status.nlink === 1) fchownSync(descriptor, uid, gid);
  } finally {
    closeSync(descriptor);
  }
}
