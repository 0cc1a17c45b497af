/** Walks over the words of a command and finds its options with their values, by popt's rules, whatever they mean. */
import { type Argument, longOption, shortOption } from '../options.js';

/** An option as it stands in a list of words. */
export interface FoundOption {
  /** The long name, without dashes. */
  long: string;
  /** The index of its word. */
  at: number;
  /** The number of words that it takes, its value included. */
  length: number;
  value: string | undefined;
  /** Writes another value in place of this one. */
  replaceValue(value: string): void;
}

/** Options beside ipvsadm's, by long name. */
export type MoreOptions = Readonly<Record<string, Argument>>;

/** Yields the options that are known, from left to right. The words may be changed by `replaceValue` only. */
export function* findOptions(words: string[], more: MoreOptions = {}): Generator<FoundOption> {
  for (let at = 0; at < words.length; ) {
    const word = words[at] as string;
    if (word === '--') return;
    const found = word.startsWith('--') ? findLong(words, at, more) : findShort(words, at);
    yield* found;
    at += found.at(-1)?.length ?? 1;
  }
}

function findLong(words: string[], at: number, more: MoreOptions): FoundOption[] {
  const word = words[at] as string;
  const equals = word.indexOf('=');
  const long = word.slice(2, equals < 0 ? undefined : equals);
  const argument = Object.hasOwn(more, long) ? more[long] : longOption(long)?.argument;
  if (argument === undefined) return [];
  return [equals < 0 ? separate(words, at, long, argument) : attached(words, at, long, equals + 1)];
}

function findShort(words: string[], at: number): FoundOption[] {
  const word = words[at] as string;
  const found: FoundOption[] = [];
  for (let letter = 1; word.startsWith('-') && letter < word.length; letter++) {
    const spec = shortOption(word.charAt(letter));
    if (!spec) break;
    if (spec.argument === 'none') found.push(separate(words, at, spec.long, 'none'));
    else {
      const begin = letter + (word.charAt(letter + 1) === '=' ? 2 : 1);
      const isLast = letter + 1 === word.length;
      found.push(isLast ? separate(words, at, spec.long, spec.argument) : attached(words, at, spec.long, begin));
      break;
    }
  }
  return found;
}

function attached(words: string[], at: number, long: string, begin: number): FoundOption {
  const word = words[at] as string;
  const replaceValue = (value: string) => {
    words[at] = word.slice(0, begin) + value;
  };
  return { long, at, length: 1, value: word.slice(begin), replaceValue };
}

function separate(words: string[], at: number, long: string, argument: Argument): FoundOption {
  const next = words[at + 1];
  const takes = argument !== 'none' && next !== undefined && (argument === 'required' || !next.startsWith('-'));
  if (!takes) return { long, at, length: 1, value: undefined, replaceValue: () => {} };
  const replaceValue = (value: string) => {
    words[at + 1] = value;
  };
  return { long, at, length: 2, value: next, replaceValue };
}
