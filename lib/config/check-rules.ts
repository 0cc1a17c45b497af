/** Checks a file of rules and finds all of its mistakes, not only the first. */
import { native } from '../native/addon.js';
import { applyRules } from '../rules/apply.js';
import { RulesError } from '../rules/errors.js';
import { parseRules, type RuleLine } from '../rules/parse-rules.js';
import { splitLines } from '../rules/tokenize.js';
import { lineWarnings } from '../rules/warnings.js';
import { TunvsError } from '../values/errors.js';
import { checkingDirector } from './check/director-checks.js';
import { divided, type Mistake } from './mistake.js';

const MAX_MISTAKES = 100;

export interface CheckedRules {
  lines: RuleLine[];
  mistakes: Mistake[];
  warnings: Mistake[];
}

export function checkRules(text: string, file: string): CheckedRules {
  const mistakes: Mistake[] = [];
  const written = splitLines(text.replace(/^\uFEFF/, ''));
  const mistake = (error: RulesError) => {
    if (mistakes.length < MAX_MISTAKES) mistakes.push(mistakeOf(error, written));
  };
  const parsed = parseRules(written.join('\n'), { file, support: native, isTimed: false, mistake });
  const lines = mistakes.length < MAX_MISTAKES ? parsed : [];
  let applied = lines;
  for (let count = 0; count < MAX_MISTAKES; count++) {
    const refused = refusedBy(() => rehearse(applied));
    if (refused === undefined) break;
    mistakes.push(mistakeOf(refused, written));
    applied = applied.filter(({ place }) => place.line !== refused.place?.line);
  }
  const warnings = lines.flatMap((line) =>
    lineWarnings(line).map((sentence) => ({ path: '', file, line: line.place.line, column: 1, ...divided(sentence) })),
  );
  mistakes.sort((a, b) => a.line - b.line);
  return { lines, mistakes, warnings };
}

function refusedBy(step: () => void): RulesError | undefined {
  try {
    step();
    return undefined;
  } catch (error) {
    if (error instanceof RulesError && error.place !== undefined) return error;
    throw error;
  }
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
  // Rules name neither the director's address nor its full NAT.
  const director = checkingDirector(undefined, undefined);
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
