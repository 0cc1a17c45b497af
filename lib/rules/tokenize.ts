/**
 * Splits a rule into words: blanks separate, quotes and backslashes join, `#` at the start of a word begins a comment.
 */
import { RulesError } from './errors.js';

const BLANK = /\s/;
/** A word of these characters alone is printed as it is. */
const PLAIN = /^[\w.,:;/%+=@[\]-]+$/;

/** Returns the words of one line, without its comment. */
export function tokenize(line: string): string[] {
  const words: string[] = [];
  let at = 0;
  while (at < line.length) {
    if (BLANK.test(line.charAt(at))) {
      at++;
    } else if (line.charAt(at) === '#') {
      break;
    } else {
      const { word, end } = readWord(line, at);
      words.push(word);
      at = end;
    }
  }
  return words;
}

/** Returns the word as it can stand in a rule, quoted where it needs to be. REQUIRES: no line break in it. */
export function quoteToken(word: string): string {
  return PLAIN.test(word) ? word : `"${word.replace(/["\\]/g, '\\$&')}"`;
}

function readWord(line: string, start: number): { word: string; end: number } {
  let word = '';
  let quote = '';
  let at = start;
  for (; at < line.length; at++) {
    const character = line.charAt(at);
    if (quote === '' && BLANK.test(character)) break;
    if (character === quote) quote = '';
    else if (quote === '' && (character === '"' || character === "'")) quote = character;
    else if (character === '\\' && quote !== "'" && at + 1 < line.length) word += line.charAt(++at);
    else word += character;
  }
  if (quote !== '') {
    throw new RulesError(`the quote ${quote} is never closed: close it, or leave it out`, { token: line.slice(start) });
  }
  return { word, end: at };
}

/** Returns the lines of a rules file. */
export function splitLines(text: string): string[] {
  return text.split(/\r\n|\n|\r/);
}
