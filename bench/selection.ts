/** Which trials the words of a command line mean. Thread safety: pure functions, without the addon. */
import { type Trial, selectTrials, trials } from './trials.js';

/** Returns the trials that the words select, at least one. Throws an error that says which word is wrong. */
export function selected(words: readonly string[], all: readonly Trial[] = trials): Trial[] {
  const known = new Set(all.flatMap(({ name }) => name.split(' ')));
  const strangers = words.filter((word) => !known.has(word));
  if (strangers.length > 0)
    throw new Error(`no trial's name holds the word "${strangers.join('", "')}"; --list shows the names`);
  const found = selectTrials(words, all);
  if (found.length > 0) return found;
  const wanted = all.find(({ name }) => words.every((word) => name.split(' ').includes(word)))?.onDemand;
  if (wanted === undefined) throw new Error(`no trial's name holds ${words.join(' and ')}; --list shows the names`);
  throw new Error(`trials with ${words.join(' and ')} run only when the word "${wanted}" is given, too`);
}

export function listed(all: readonly Trial[] = trials): string {
  return all
    .map(({ name, onDemand }) => `${onDemand === undefined ? name : `${name} (with the word ${onDemand})`}\n`)
    .join('');
}
