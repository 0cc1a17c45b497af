/** SIGHUP: the rules are read again, and only what differs is changed. */
import type { Director } from '../../director/director.js';
import { applyTableCommand } from '../../rules/apply.js';
import { listMarks } from '../../rules/mark.js';
import { reconcile } from '../../rules/reconcile.js';
import { listedService } from '../../rules/show.js';
import { isSameSysctl } from '../../values/sysctls.js';
import { readRules, rehearseRules } from '../rules-file.js';
import { type CliIo, UsageError } from '../verb.js';

/** How many changes it took. When the rules hold a mistake, it is thrown and the old ones stay in force. */
export async function reloadRules(
  director: Director,
  file: string,
  sources: readonly string[],
  io: CliIo,
): Promise<number> {
  if (file === '-') {
    throw new UsageError('the rules came from standard input, which cannot be read again; start with a file');
  }
  await using wanted = await rehearseRules(await readRules({ file, isTimed: false }, io), sources);
  const commands = reconcile(director.stats().services.map(listedService), wanted.stats().services.map(listedService));
  const marksDiffer = listMarks(director.marks) !== listMarks(wanted.marks);
  director.transaction((transaction) => {
    if (marksDiffer) transaction.setMarks(wanted.marks);
    for (const command of commands) applyTableCommand(transaction, command);
  });
  return commands.length + (marksDiffer ? 1 : 0) + reconcileSettings(director, wanted);
}

/** Timeouts and sysctls; a rule that is gone puts the default back. */
function reconcileSettings(director: Director, wanted: Director): number {
  const now = director.timeouts;
  const hasOtherTimeouts = Object.entries(wanted.timeouts).some(
    ([name, value]) => now[name as keyof typeof now] !== value,
  );
  if (hasOtherTimeouts) director.setTimeouts(wanted.timeouts);
  const sysctls = director.sysctls;
  const others = Object.entries(wanted.sysctls).filter(([name, value]) => !isSameSysctl(name, sysctls[name], value));
  for (const [name, value] of others) director.setSysctl(name, value);
  return others.length + (hasOtherTimeouts ? 1 : 0);
}
