/** Whether others could change a program that is run with this process's rights. */
import { realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

const GROUP_WRITE = 0o020;
const OTHERS_WRITE = 0o002;
const STICKY = 0o1000;

/**
 * Says who else may change the program, or a folder on its way; undefined when only root and `uid`, who runs it, may.
 *
 * @param path - It is there.
 */
export async function whoMayChange(path: string, uid: number): Promise<string | undefined> {
  for (let each = await realpath(path); ; each = dirname(each)) {
    const who = changers(each, await stat(each), uid);
    if (who !== undefined || each === dirname(each)) return who;
  }
}

interface Owned {
  uid: number;
  gid: number;
  mode: number;
  isDirectory(): boolean;
}

/** In a sticky folder, others may add files, but not put one in the place of another's. */
export function changers(path: string, entry: Owned, uid: number): string | undefined {
  if (entry.uid !== 0 && entry.uid !== uid) return `user ${entry.uid} owns ${path}`;
  if (entry.isDirectory() && (entry.mode & STICKY) !== 0) return undefined;
  if ((entry.mode & OTHERS_WRITE) !== 0) return `everybody may write to ${path}`;
  if ((entry.mode & GROUP_WRITE) !== 0 && entry.gid !== 0) return `group ${entry.gid} may write to ${path}`;
  return undefined;
}
