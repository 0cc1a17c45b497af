/** The folder in which a director's connections lie, so that they outlive its process. */
import { dirname, resolve } from 'node:path';
import { makeOwn, makeUnlisted, runtimeFolder } from '../host/holds/folder.js';
import type { NativeTakenOver } from '../native/engine.js';
import { MAX_SOCKET_PATH_BYTES } from '../native/unix-socket.js';
import { TunvsError } from '../values/errors.js';
import { TAKEOVER_SOCKET } from './takeover/protocol.js';

/** What a director with a state found in it; see `DirectorOpenOptions.state`. */
export interface DirectorState {
  /** The folder of the state. */
  folder: string;
  /** How many connections that an earlier director had left go on. */
  connections: number;
  /** How many persistence templates go on. */
  templates: number;
  /** How many entries ended because they did not hold together: the earlier director was killed while it wrote them. */
  ended: number;
  /** Why nothing of what an earlier director had left was taken over; empty when it was, or when there was none. */
  reason: string;
}

/** A socket lies in it. */
const MAX_PATH_BYTES = MAX_SOCKET_PATH_BYTES - `/${TAKEOVER_SOCKET}`.length;

/**
 * Makes the folder, which nobody else can look into, unless it is there; its parent has to be there, or be the folder
 * of all directors. A folder that is there stays as it is.
 *
 * @returns Its absolute path.
 * @throws {@link TunvsError} ERR_TUNVS_PERMISSION, ERR_TUNVS_INVALID_ARGUMENT.
 */
export function stateFolder(given: string): string {
  const folder = resolve(given);
  if (Buffer.byteLength(folder) > MAX_PATH_BYTES)
    throw new TunvsError(
      'ERR_TUNVS_INVALID_ARGUMENT',
      `the state cannot lie in ${folder}: its path has more than ${MAX_PATH_BYTES} bytes, so name a shorter one`,
    );
  try {
    if (dirname(folder) === resolve(runtimeFolder())) makeUnlisted(runtimeFolder());
    makeOwn(folder);
  } catch (error) {
    throw new TunvsError(
      'ERR_TUNVS_PERMISSION',
      `the state cannot lie in ${folder} (${(error as Error).message}): name a folder of this user's on a tmpfs, or ` +
        'remove what is there',
      { cause: error },
    );
  }
  return folder;
}

export function directorState(folder: string, taken: NativeTakenOver): DirectorState {
  return { folder, ...taken };
}
