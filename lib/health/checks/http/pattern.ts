/** Regular expressions over what servers answer: some need longer than the age of the universe for some texts. */
import { type Context, createContext, Script } from 'node:vm';
import { CheckFailure } from '../check.js';

/** The event loop may stand still for so long. The second time is for hosts so busy that the first was not ours. */
const LIMITS_MS = [10, 50] as const;

const script = new Script('pattern.test(text)');
let context: Context | undefined;

/** Throws an Error that says what is wrong with the pattern. */
export function compilePattern(source: string, flags: string): RegExp {
  return new RegExp(source, flags);
}

/**
 * Tests the text. Throws a CheckFailure when the time limit is over: V8 interrupts a regular expression for the
 * time limit of a script, and for nothing else. Its watchdog costs about 100 µs.
 */
export function testPattern(pattern: RegExp, text: string): boolean {
  if (isCheap(pattern.source)) return pattern.test(text);
  context ??= createContext({ __proto__: null });
  context.pattern = pattern;
  context.text = text;
  try {
    for (const timeout of LIMITS_MS) {
      const matches = testWithin(context, timeout);
      if (matches !== undefined) return matches;
    }
  } finally {
    context.text = '';
  }
  throw new CheckFailure('wrong answer', `the pattern needs more than ${LIMITS_MS[1]} ms for this body`, {
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
