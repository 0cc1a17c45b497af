/** Finds the number of a group. */
import { execFileSync, type ExecFileSyncOptionsWithStringEncoding } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { TunvsError } from '../../values/errors.js';
import { MAX_UINT32, refuse } from '../../values/options.js';

/** Of a number, or of a name that /etc/group or what getent(1) asks knows. */
export function groupNumber(group: unknown): number {
  if (typeof group === 'number' || (typeof group === 'string' && /^\d+$/.test(group))) {
    const number = Number(group);
    // The greatest stands for "no group".
    if (Number.isInteger(number) && number >= 0 && number < MAX_UINT32) return number;
  }
  if (typeof group !== 'string' || !/^[^\s:/]+$/.test(group))
    return refuse('socket.group', group, 'the name or number of a group');
  const line = linesOf(() => readFileSync('/etc/group', 'utf8')).find((each) => each.startsWith(`${group}:`));
  const known = line ?? linesOf(() => execFileSync('getent', ['group', '--', group], QUIET))[0];
  const number = known?.split(':')[2];
  if (number !== undefined && number !== '') return Number(number);
  throw new TunvsError(
    'ERR_TUNVS_INVALID_ARGUMENT',
    `socket.group: there is no group ${group}: make it by "groupadd --system ${group}", or name another`,
    { option: 'socket.group' },
  );
}

const QUIET: ExecFileSyncOptionsWithStringEncoding = {
  encoding: 'utf8',
  stdio: ['ignore', 'pipe', 'ignore'],
  timeout: 5000,
};

function linesOf(read: () => string): string[] {
  try {
    return read().split('\n');
  } catch {
    // Who asks says that the group is not known.
    return [];
  }
}
