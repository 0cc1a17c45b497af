/** What rules say that has no effect, or another one than was meant. */
import { inertSysctlWarning } from '../values/inert-sysctls.js';
import type { RuleLine } from './parse-rules.js';

/** Returns a sentence for each. */
export function lineWarnings({ rule, warnings }: RuleLine): string[] {
  const inert = rule.command === 'sysctl' ? inertSysctlWarning(rule.name) : undefined;
  return inert === undefined ? warnings : [...warnings, inert];
}

/** Returns `FILE:LINE: SENTENCE` for each. */
export function ruleWarnings(lines: readonly RuleLine[]): string[] {
  return lines.flatMap((line) => {
    const { file, line: number } = line.place;
    return lineWarnings(line).map((sentence) => `${file}:${number}: ${sentence}`);
  });
}
