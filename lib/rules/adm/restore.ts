/**
 * `-R`: the rules of stdin, as one transaction. A mistake leaves the director as it was. A listing among the rules ends
 * a transaction, because it shows what is in force.
 */
import { isShowCommand, type ShowCommand } from '../apply.js';
import { located, RulesError } from '../errors.js';
import { parseRule, type RuleLine, ruleLine } from '../parse-rules.js';
import type { RulesSession } from '../session.js';
import type { Support } from '../supported.js';
import { splitLines, tokenize } from '../tokenize.js';
import type { NameResolver } from './names.js';
import { resolveWords } from './resolve-words.js';

/** The file that errors name. */
export const STDIN = 'stdin';

/** As `ipvsadm -C` before the first line, and in the transaction of that line. */
const CLEAR = ruleLine({ command: 'clear' }, { file: STDIN, line: 0 }, '-C');

/** Yields what is printed. `show` prints a listing. */
export async function* restore(
  session: RulesSession,
  stdin: string,
  {
    support,
    resolver,
    show,
    isReplacing = false,
  }: {
    support: Support;
    resolver: NameResolver;
    show(command: ShowCommand): AsyncIterable<string>;
    isReplacing?: boolean;
  },
): AsyncGenerator<string> {
  const words = wordsOf(stdin);
  const resolved = await Promise.all(
    words.map(async (each) => ({ ...each, words: await resolveWords(each.words, resolver) })),
  );
  const lines = resolved.map((each) => {
    const place = { file: STDIN, line: each.line };
    return ruleLine(
      located(place, () => parseRule(each.words, support)),
      place,
      each.text,
    );
  });
  let changes: RuleLine[] = isReplacing ? [CLEAR] : [];
  for (const line of lines) {
    const { rule } = line;
    if (!isShowCommand(rule)) {
      changes.push(line);
      continue;
    }
    session.apply(changes);
    changes = [];
    try {
      yield* show(rule);
    } catch (error) {
      throw error instanceof RulesError ? error.at(line.place) : error;
    }
  }
  session.apply(changes);
}

/** The number of lines that hold a rule. */
export function countRules(stdin: string): number {
  return splitLines(stdin).filter((line) => /^\s*[^\s#]/.test(line)).length;
}

function wordsOf(stdin: string): { line: number; text: string; words: string[] }[] {
  return splitLines(stdin).flatMap((text, index) => {
    const line = index + 1;
    const words = located({ file: STDIN, line }, () => tokenize(text));
    if (words[0] === 'ipvsadm') words.shift();
    return words.length === 0 ? [] : [{ line, text: text.trim(), words }];
  });
}
