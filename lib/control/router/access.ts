/** Who may do what. */
import type { Access } from '../door/door.js';
import { CHALLENGE, Problem } from '../problem.js';

const RANK: Readonly<Record<Access, number>> = { none: 0, read: 1, write: 2 };

/** Throws the problems 401 and 403. */
export function assertAccess(needed: Access, given: Access): void {
  if (RANK[given] >= RANK[needed]) return;
  if (given === 'none')
    throw new Problem(
      401,
      'ERR_TUNVS_PERMISSION',
      `this needs the right to ${needed}: send "Authorization: Bearer TOKEN", or come by the unix socket`,
      { headers: { 'www-authenticate': CHALLENGE } },
    );
  throw new Problem(403, 'ERR_TUNVS_PERMISSION', `this needs the right to ${needed}: send the token for writing`);
}
