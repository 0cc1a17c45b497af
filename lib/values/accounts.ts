/** The users and groups of this host, by name or number. */
import { readFileSync } from 'node:fs';

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
 * Returns the numbers of a user, or what is wrong with the name.
 *
 * @param given - `USER`, `USER:GROUP`, or numbers in their place.
 */
export function idsOf(given: string, { passwd, group }: Accounts): UserIds | { mistake: string } {
  const [user = '', groupName, ...rest] = given.split(':');
  const account = rows(passwd).find(([name, , uid]) => name === user || uid === user);
  const uid = idOf(account?.[2] ?? user);
  const groups = rows(group);
  const named =
    groupName === undefined ? account?.[3] : (groups.find(([name]) => name === groupName)?.[2] ?? groupName);
  const gid = idOf(named ?? '');
  if (rest.length > 0 || uid === undefined)
    return { mistake: 'there is no such user here: name one of /etc/passwd, or write UID:GID' };
  if (gid === undefined) return { mistake: 'there is no such group here: name one of /etc/group, or write UID:GID' };
  const joined = groups.filter(([, , , members]) => account && members?.split(',').includes(account[0] as string));
  const others = groupName === undefined ? joined.map((row) => idOf(row[2] as string) as number) : [];
  return { uid, gid, groups: [...new Set([gid, ...others])] };
}

const rows = (text: string) => text.split('\n').map((line) => line.split(':'));

function idOf(text: string): number | undefined {
  return /^\d{1,10}$/.test(text) && Number(text) < 2 ** 32 - 1 ? Number(text) : undefined;
}
