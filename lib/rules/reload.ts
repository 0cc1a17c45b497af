/** Brings a director to what other rules say, by as few changes as there are differences. */
import type { Director } from '../director/director.js';
import { isSameSysctl } from '../values/sysctls.js';
import { applyTableCommand } from './apply.js';
import { markChanges, type RuleChange, tableChanges } from './changes.js';
import type { RuleLine } from './parse-rules.js';
import { printCommand, printSysctl } from './print.js';
import { reconcile } from './reconcile.js';
import { rehearseRules } from './rehearse.js';
import { listedService } from './show.js';

/** The changes that it took. When the rules hold a mistake, it is thrown and the old ones stay in force. */
export async function reloadRules(
  director: Director,
  lines: readonly RuleLine[],
  sources: readonly string[],
): Promise<RuleChange[]> {
  await using wanted = await rehearseRules(lines, sources);
  const now = director.stats().services.map(listedService);
  const commands = reconcile(now, wanted.stats().services.map(listedService));
  const marks = markChanges(director.marks, wanted.marks);
  director.transaction((transaction) => {
    if (marks.length > 0) transaction.setMarks(wanted.marks);
    for (const command of commands) applyTableCommand(transaction, command);
  });
  return [...marks, ...tableChanges(now, commands), ...reconcileSettings(director, wanted)];
}

/** Sets timeouts and sysctls; a rule that is gone restores the default. */
function reconcileSettings(director: Director, wanted: Director): RuleChange[] {
  const before = printTimeouts(director.timeouts);
  const rule = printTimeouts(wanted.timeouts);
  if (before !== rule) director.setTimeouts(wanted.timeouts);
  const sysctls = director.sysctls;
  const others = Object.entries(wanted.sysctls).filter(([name, value]) => !isSameSysctl(name, sysctls[name], value));
  for (const [name, value] of others) director.setSysctl(name, value);
  return [
    ...(before === rule ? [] : [{ change: 'edited' as const, rule, before }]),
    ...others.map(([name, value]) => ({
      change: 'edited' as const,
      rule: printSysctl(name, value),
      before: printSysctl(name, sysctls[name] as number),
    })),
  ];
}

function printTimeouts({ tcp, tcpFin, udp }: Director['timeouts']): string {
  return printCommand({ command: 'setTimeouts', tcp, tcpFin, udp });
}
