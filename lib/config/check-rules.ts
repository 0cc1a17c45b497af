/** Checks a file of rules and finds all of its mistakes, not only the first. */
import { native } from '../native/addon.js';
import { applyRules } from '../rules/apply.js';
import { RulesError } from '../rules/errors.js';
import { parseRules, type RuleLine } from '../rules/parse-rules.js';
import { TunvsError } from '../values/errors.js';
import { inertSysctlWarning } from '../values/inert-sysctls.js';
import { rehearsalDirector } from './check/director-checks.js';
import type { Mistake } from './mistake.js';

const MAX_MISTAKES = 100;

export interface CheckedRules {
  lines: RuleLine[];
  mistakes: Mistake[];
  warnings: Mistake[];
}

export function checkRules(text: string, file: string): CheckedRules {
  const mistakes: Mistake[] = [];
  const written = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/);
  /** Runs `step` until it refuses nothing, each time without the line that it refused. */
  const collect = <T>(step: () => T, leaveOut: (line: number) => void): T | undefined => {
    for (let count = 0; count < MAX_MISTAKES; count++) {
      try {
        return step();
      } catch (error) {
        if (!(error instanceof RulesError) || error.place === undefined) throw error;
        mistakes.push(mistakeOf(error, written));
        leaveOut(error.place.line);
      }
    }
    return undefined;
  };
  const kept = [...written];
  const read = collect(
    () => parseRules(kept.join('\n'), { file, support: native, isTimed: false }),
    (line) => {
      kept[line - 1] = '';
    },
  );
  let applied = read ?? [];
  collect(
    () => rehearse(applied),
    (line) => {
      applied = applied.filter(({ place }) => place.line !== line);
    },
  );
  const warnings = (read ?? []).flatMap(({ rule, place, warnings: said }) => {
    const inert = rule.command === 'sysctl' ? inertSysctlWarning(rule.name) : undefined;
    const all = inert === undefined ? said : [...said, inert];
    return all.map((sentence) => ({ path: '', file, line: place.line, column: 1, ...divided(sentence) }));
  });
  mistakes.sort((a, b) => a.line - b.line);
  return { lines: read ?? [], mistakes, warnings };
}

function rehearse(lines: readonly RuleLine[]): void {
  try {
    apply(lines);
  } catch (error) {
    if (!(error instanceof TunvsError) || (error instanceof RulesError && error.place !== undefined)) throw error;
    // The native part judges all lines together; the first line that it does not take is the one.
    const { place } = lines[firstRefused(lines)] as RuleLine;
    throw new RulesError(error instanceof RulesError ? error.sentence : error.message, { place });
  }
}

function firstRefused(lines: readonly RuleLine[]): number {
  let [taken, refused] = [0, lines.length];
  while (refused - taken > 1) {
    const middle = (taken + refused) >> 1;
    if (isTaken(lines.slice(0, middle))) taken = middle;
    else refused = middle;
  }
  return refused - 1;
}

function isTaken(lines: readonly RuleLine[]): boolean {
  try {
    apply(lines);
    return true;
  } catch (error) {
    if (error instanceof TunvsError) return false;
    throw error;
  }
}

function apply(lines: readonly RuleLine[]): void {
  // Rules do not name the director's address.
  const director = rehearsalDirector({});
  try {
    applyRules(director, lines);
  } finally {
    void director.close();
  }
}

function mistakeOf({ place, sentence, token }: RulesError, written: readonly string[]): Mistake {
  const { file, line } = place as { file: string; line: number };
  const at = token === undefined ? -1 : (written[line - 1] ?? '').indexOf(token);
  return { path: '', file, line, column: Math.max(at, 0) + 1, ...divided(sentence) };
}

/** The mend of a sentence stands behind its last colon and blank. */
function divided(sentence: string): { message: string; mend: string } {
  const colon = sentence.lastIndexOf(': ');
  if (colon < 0) return { message: sentence, mend: 'leave it out' };
  return { message: sentence.slice(0, colon), mend: sentence.slice(colon + 2) };
}
