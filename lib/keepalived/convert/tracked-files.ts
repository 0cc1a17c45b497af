/** The files that `track_file` blocks name, for the checkers that read them. */
import type { Statement } from '../language/statements.js';
import { quotedWords } from '../language/words.js';
import { each, integerOf, last, type Values } from './values.js';

export interface TrackedWeight {
  weight: number;
  isReverse: boolean;
}

export interface TrackedFile extends TrackedWeight {
  file: string;
}

export class TrackedFiles {
  readonly #files = new Map<string, TrackedFile>();

  constructor(statements: readonly Statement[], values: Values) {
    for (const { words, block, place } of each(statements, 'track_file', 'vrrp_track_file')) {
      const [name] = words;
      const path = last(block, 'file');
      const file = path && quotedWords(path.raw).words[0];
      if (name === undefined) values.said.mistake(place, 'the file has no name', 'write track_file NAME');
      else if (file === undefined) values.said.mistake(place, `track_file ${name} has no file`, 'write file "PATH"');
      else this.#files.set(name, { file, ...(weightOf(last(block, 'weight'), values) ?? USUAL) });
    }
  }

  get(name: string): TrackedFile | undefined {
    return this.#files.get(name);
  }
}

const USUAL: TrackedWeight = { weight: 1, isReverse: false };

export function weightOf(statement: Statement | undefined, values: Values): TrackedWeight | undefined {
  if (statement === undefined) return undefined;
  const [given = '', reverse] = statement.words;
  const weight = integerOf(given);
  if (weight === undefined || Math.abs(weight) > 2 ** 31 - 1)
    return values.refuse(statement, given, 'a whole number from -2147483647 to 2147483647');
  if (reverse === 'reverse' || reverse === 'noreverse') values.only(statement, 2);
  else values.only(statement, 1);
  return { weight, isReverse: reverse === 'reverse' };
}
