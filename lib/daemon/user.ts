/**
 * Gives up root before anything is opened. The process becomes itself again by execve(2), as another user who has
 * CAP_NET_ADMIN and CAP_NET_RAW and can get no others, so that none of its threads keeps what root had.
 */
import { readFileSync } from 'node:fs';
import { runtimeFolder } from '../host/holds/folder.js';
import { native } from '../native/addon.js';
import { TunvsError, wrapNative } from '../values/errors.js';
import { handOver } from './hand-over.js';

export interface UserIds {
  uid: number;
  gid: number;
  groups: number[];
}

/** Reads passwd(5) and group(5). */
export interface Accounts {
  passwd: string;
  group: string;
}

export function readAccounts(): Accounts {
  return { passwd: readFileSync('/etc/passwd', 'utf8'), group: readFileSync('/etc/group', 'utf8') };
}

/**
 * @param given - `USER`, `USER:GROUP`, or numbers in their place.
 * @throws {@link TunvsError} ERR_TUNVS_INVALID_ARGUMENT.
 */
export function userIds(given: string, { passwd, group }: Accounts): UserIds {
  const [user = '', groupName, ...rest] = given.split(':');
  const account = rows(passwd).find(([name, , uid]) => name === user || uid === user);
  const uid = idOf(account?.[2] ?? user);
  const groups = rows(group);
  const named =
    groupName === undefined ? account?.[3] : (groups.find(([name]) => name === groupName)?.[2] ?? groupName);
  const gid = idOf(named ?? '');
  if (rest.length > 0 || uid === undefined) {
    throw refused(given, 'there is no such user here: name one of /etc/passwd, or write UID:GID');
  }
  if (gid === undefined) throw refused(given, 'there is no such group here: name one of /etc/group, or write UID:GID');
  if (uid === 0) throw refused(given, 'this is root: name a user without privileges');
  const joined = groups.filter(([, , , members]) => account && members?.split(',').includes(account[0] as string));
  const others = groupName === undefined ? joined.map((row) => idOf(row[2] as string) as number) : [];
  return { uid, gid, groups: [...new Set([gid, ...others])] };
}

const rows = (text: string) => text.split('\n').map((line) => line.split(':'));

function idOf(text: string): number | undefined {
  return /^\d{1,10}$/.test(text) && Number(text) < 2 ** 32 - 1 ? Number(text) : undefined;
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
