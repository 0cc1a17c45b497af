/** Splits lines into words, in the two ways that keepalived has. */

/** A brace outside of quotes, or a word. */
export interface Token {
  text: string;
  isBrace: boolean;
  /** Where it begins in the line, and where it ends. */
  at: number;
  end: number;
}

/**
 * Splits most lines: double quotes hold a word together and end the word before them, nothing is escaped, and a brace is
 * a token of its own. A quote that nobody closes reaches to the end of the line.
 */
export function tokensOf(line: string): { tokens: Token[]; isClosed: boolean } {
  const tokens: Token[] = [];
  const pattern = /[{}]|"([^"]*)("|$)|[^\s"{}]+/g;
  let isClosed = true;
  for (let found = pattern.exec(line); found !== null; found = pattern.exec(line)) {
    const [whole, quoted, ending] = found;
    const isBrace = whole === '{' || whole === '}';
    tokens.push({ text: quoted ?? whole, isBrace, at: found.index, end: found.index + whole.length });
    if (quoted !== undefined && ending === '') isClosed = false;
  }
  return { tokens, isClosed };
}

const CONTROL: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  E: '\x1b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/**
 * Splits the lines of scripts, paths and regular expressions: both kinds of quotes hold words together with what
 * adjoins them, and a backslash escapes as in a shell. `isEscaped: false` leaves backslashes as they are.
 */
export function quotedWords(line: string, { isEscaped = true } = {}): { words: string[]; isClosed: boolean } {
  const words: string[] = [];
  let word: string[] | undefined;
  let quote = '';
  for (let at = 0; at < line.length; ) {
    const character = line[at] as string;
    if (isEscaped && character === '\\' && at + 1 < line.length) {
      const escaped = escapeAt(line, at + 1);
      word ??= [];
      word.push(escaped.text);
      at = escaped.end;
      continue;
    }
    at++;
    if (quote !== '' ? character === quote : character === '"' || character === "'") {
      quote = quote === '' ? character : '';
      word ??= [];
    } else if (quote === '' && (character === ' ' || character === '\t')) {
      if (word !== undefined) words.push(word.join(''));
      word = undefined;
    } else {
      word ??= [];
      word.push(character);
    }
  }
  if (word !== undefined) words.push(word.join(''));
  return { words, isClosed: quote === '' };
}

function escapeAt(line: string, at: number): { text: string; end: number } {
  const character = line[at] as string;
  const octal = /^[0-7]{1,3}/.exec(line.slice(at, at + 3))?.[0];
  if (octal !== undefined)
    return { text: String.fromCharCode(Number.parseInt(octal, 8) & 0xff), end: at + octal.length };
  const hex = character === 'x' ? /^[0-9A-Fa-f]{1,2}/.exec(line.slice(at + 1, at + 3))?.[0] : undefined;
  if (hex !== undefined) return { text: String.fromCharCode(Number.parseInt(hex, 16)), end: at + 1 + hex.length };
  if (character === 'c' && at + 1 < line.length)
    return { text: String.fromCharCode(line.charCodeAt(at + 1) & 0x1f), end: at + 2 };
  return { text: CONTROL[character] ?? character, end: at + 1 };
}
