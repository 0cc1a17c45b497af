/** What rules say that has no effect, or another one than was meant. */
import { inertSysctlWarning } from '../values/inert-sysctls.js';
import type { RuleLine } from './parse-rules.js';

/** Returns `FILE:LINE: SENTENCE` for each. */
export function ruleWarnings(lines: readonly RuleLine[]): string[] {
  return lines.flatMap(({ place, rule, warnings }) => {
    const inert = rule.command === 'sysctl' ? inertSysctlWarning(rule.name) : undefined;
    const sentences = inert === undefined ? warnings : [...warnings, inert];
    return sentences.map((sentence) => `${place.file}:${place.line}: ${sentence}`);
  });
}
