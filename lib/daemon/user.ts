/**
 * Gives up root before anything is opened. The process becomes itself again by execve(2), as another user who has
 * CAP_NET_ADMIN and CAP_NET_RAW and can get no others, so that none of its threads keeps what root had.
 */
import { runtimeFolder } from '../host/holds/folder.js';
import { native } from '../native/addon.js';
import { type Accounts, idsOf, type UserIds } from '../values/accounts.js';
import { TunvsError, wrapNative } from '../values/errors.js';
import { handOver } from './hand-over.js';

/**
 * @param given - As idsOf() takes it.
 * @throws {@link TunvsError} ERR_TUNVS_INVALID_ARGUMENT.
 */
export function userIds(given: string, accounts: Accounts): UserIds {
  const found = idsOf(given, accounts);
  if ('mistake' in found) throw refused(given, found.mistake);
  if (found.uid === 0) throw refused(given, 'this is root: name a user without privileges');
  return found;
}

function refused(given: string, why: string): TunvsError {
  return new TunvsError('ERR_TUNVS_INVALID_ARGUMENT', `--user ${given}: ${why}`);
}

/**
 * Does nothing when this process is that user already; otherwise it does not return. REQUIRES: nothing is open yet, as
 * this process's memory goes.
 */
export function becomeUser(ids: UserIds): void {
  if (process.geteuid?.() === ids.uid) return;
  if (process.geteuid?.() !== 0) {
    throw new TunvsError(
      'ERR_TUNVS_PERMISSION',
      `only root can become user ${ids.uid}: start as root, or leave --user out`,
    );
  }
  // What directors of this host have noted becomes the user's, who takes back what killed ones have left.
  handOver(runtimeFolder(), ids);
  const argv = [process.argv0, ...process.execArgv, ...process.argv.slice(1)];
  const environment = Object.entries(process.env).map(([name, value]) => `${name}=${value}`);
  wrapNative(() => native.becomeUser(ids.uid, ids.gid, ids.groups, process.execPath, argv, environment));
}
