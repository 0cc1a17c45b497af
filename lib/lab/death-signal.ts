/** Ends programs with the process that started them, also when that is killed. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

let prefix: readonly string[] | undefined;

/**
 * Returns what to put before a program and its arguments, so that it gets SIGTERM when its parent is gone; nothing
 * where util-linux's setpriv(1) is missing. The path is absolute, since the program may be given another PATH.
 */
export function withDeathSignal(): readonly string[] {
  prefix ??= findSetpriv(process.env.PATH ?? '');
  return prefix;
}

function findSetpriv(path: string): readonly string[] {
  const commands = path.split(':').map((folder) => [join(folder, 'setpriv'), '--pdeathsig', 'TERM']);
  return commands.find(([file = '', ...args]) => spawnSync(file, [...args, 'true']).status === 0) ?? [];
}
