/** Brings a director to what other rules say, by as few changes as there are differences. */
import type { Director } from '../director/director.js';
import { isSameSysctl } from '../values/sysctls.js';
import { applyTableCommand } from './apply.js';
import { listMarks } from './mark.js';
import type { RuleLine } from './parse-rules.js';
import { reconcile } from './reconcile.js';
import { rehearseRules } from './rehearse.js';
import { listedService } from './show.js';

/** How many changes it took. When the rules hold a mistake, it is thrown and the old ones stay in force. */
export async function reloadRules(
  director: Director,
  lines: readonly RuleLine[],
  sources: readonly string[],
): Promise<number> {
  await using wanted = await rehearseRules(lines, sources);
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
