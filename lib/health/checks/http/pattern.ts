/** Regular expressions over what servers answer: some need longer than the age of the universe for some texts. */
import { type Context, createContext, Script } from 'node:vm';
import { CheckFailure } from '../check.js';
import { PatternBudget } from './pattern-budget.js';

/** The event loop may stand still for so long. The second time is for hosts so busy that the first was not ours. */
const LIMITS_MS = [10, 50];
/**
 * The limit while the budget is spent. It is not 0, so that a hostile server cannot fail honest ones, and not 2,
 * which a busy host exceeds for patterns that need microseconds.
 */
const SPENT_LIMITS_MS = [10];

const ofProcess = new PatternBudget(() => performance.now());

const script = new Script('pattern.test(text)');
let context: Context | undefined;

/** Throws an Error that says what is wrong with the pattern. */
export function compilePattern(source: string, flags: string): RegExp {
  return new RegExp(source, flags);
}

/**
 * Tests the text. Throws a CheckFailure when the time limit is over: V8 interrupts a regular expression for the
 * time limit of a script, and for nothing else. Its watchdog costs about 100 µs. What runs into a limit is paid by
 * the budget; when that is spent, the limit is short.
 */
export function testPattern(pattern: RegExp, text: string, budget = ofProcess): boolean {
  if (isCheap(pattern.source)) return pattern.test(text);
  context ??= createContext({ __proto__: null });
  context.pattern = pattern;
  context.text = text;
  const hasTime = budget.hasTime();
  const limits = hasTime ? LIMITS_MS : SPENT_LIMITS_MS;
  try {
    for (const timeout of limits) {
      const matches = testWithin(context, timeout);
      if (matches !== undefined) return matches;
      if (hasTime) budget.spend(timeout);
    }
  } finally {
    context.text = '';
  }
  const spent = hasTime ? '' : `, and long patterns have used up their ${budget.msPerSecond} ms of this second`;
  throw new CheckFailure('wrong answer', `the pattern needs more than ${limits.at(-1)} ms for this body${spent}`, {
    mend: 'Make the pattern simpler, without repetitions inside of repetitions.',
  });
}

/** Without repetitions, and with few choices, no text can take long. */
function isCheap(source: string): boolean {
  return !/[*+{]/.test(source) && (source.match(/[?|]/g)?.length ?? 0) <= 5;
}

function testWithin(context: Context, timeout: number): boolean | undefined {
  try {
    return script.runInContext(context, { timeout }) as boolean;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return undefined;
    throw new CheckFailure('failed', `the pattern cannot be tested: ${(error as Error).message}`, { cause: error });
  }
}
