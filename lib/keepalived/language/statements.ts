/** Makes statements of lines: a keyword, its words, and the block that belongs to it. */
import type { LogicalLine } from './logical-lines.js';
import { type Place, type Said, shown } from './place.js';
import { type Token, tokensOf } from './words.js';

export interface Statement {
  keyword: string;
  /** What stands behind the keyword. */
  words: readonly string[];
  /** The same as it was written, for what is split in another way (words.ts). */
  raw: string;
  place: Place;
  block?: Statement[];
}

const MOST_NESTED = 16;

/** What is not closed, or closed too often, is said; what can be read of the rest is returned. */
export function statementsOf(lines: Iterable<LogicalLine>, said: Said): Statement[] {
  const blocks = new Blocks(said);
  for (const line of lines) {
    const { tokens, isClosed } = tokensOf(line.text);
    if (!isClosed) said.mistake(line, `a quote is not closed in ${shown(line.text)}`, 'put " behind the text as well');
    if (line.text.endsWith('\\') && isClosed)
      said.mistake(line, 'a backslash ends the line, and only definitions go on after one', 'write it in one line');
    let from = 0;
    for (const [at, token] of tokens.entries()) {
      if (!token.isBrace) continue;
      blocks.add(tokens.slice(from, at), line);
      if (token.text === '{') blocks.open(line);
      else blocks.close(line);
      from = at + 1;
    }
    blocks.add(from === 0 ? tokens : tokens.slice(from), line);
  }
  return blocks.end();
}

class Blocks {
  readonly #said: Said;
  readonly #root: Statement[] = [];
  readonly #opened: Statement[] = [];
  #last: Statement | undefined;
  /** Braces that are open and belong to nothing. */
  #stray = 0;

  constructor(said: Said) {
    this.#said = said;
  }

  add([keyword, ...words]: readonly Token[], { text, file, line }: LogicalLine): void {
    if (keyword === undefined) return;
    const raw = text.slice(keyword.end, words.at(-1)?.end ?? keyword.end).trim();
    const said = { keyword: keyword.text, words: words.map((each) => each.text), raw, place: { file, line } };
    (this.#opened.at(-1)?.block ?? this.#root).push(said);
    this.#last = said;
  }

  open(place: Place): void {
    const owner = this.#last;
    this.#last = undefined;
    if (owner === undefined || owner.block !== undefined || this.#opened.length >= MOST_NESTED) {
      const why = owner === undefined ? 'a { belongs to no keyword' : 'blocks are nested too deeply';
      this.#said.mistake(place, why, 'remove it, and its }');
      this.#stray++;
      return;
    }
    owner.block = [];
    this.#opened.push(owner);
  }

  close(place: Place): void {
    this.#last = undefined;
    if (this.#stray > 0) this.#stray--;
    else if (this.#opened.pop() === undefined)
      this.#said.mistake(place, 'a } closes no block', 'remove it, or open the block before');
  }

  end(): Statement[] {
    for (const { keyword, place } of this.#opened)
      this.#said.mistake(place, `the block of ${shown(keyword)} is not closed`, 'write } at its end');
    return this.#root;
  }
}
