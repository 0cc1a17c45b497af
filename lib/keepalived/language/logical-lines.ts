/** Makes the lines that keepalived sees: conditional lines chosen, parameters written out, loops unrolled. */
import { Definitions, type DefinitionOptions, MOST_NESTED, TooMuch, TooMuchInAll } from './definitions.js';
import { loopOf } from './loops.js';
import { type Said, shown } from './place.js';
import type { SourceLine } from './source-lines.js';

export interface LogicalLine extends SourceLine {}

interface Work extends SourceLine {
  /** How many definitions and loops it is inside of. */
  depth: number;
  /** The parameters of the turn of a loop. */
  turn?: ReadonlyMap<string, string>;
  isChosen?: boolean;
}

const MULTILINE = /^(.*?)\s*\\$/;

export function* logicalLines(
  source: Iterable<SourceLine>,
  said: Said,
  options: DefinitionOptions,
): Iterable<LogicalLine> {
  const definitions = new Definitions(options);
  const reader = new Reader(definitions, said, options);
  for (const line of source) {
    yield* reader.read({ ...line, depth: 0 });
  }
}

/** Reads lines one by one; what a line stands for is read before the line after it. */
class Reader {
  readonly #definitions: Definitions;
  readonly #said: Said;
  readonly #options: DefinitionOptions;
  /** A definition whose last line is still to come. */
  #open: { name: string; lines: string[] } | undefined;
  #lines = 0;
  #characters = 0;
  #turns = 0;

  constructor(definitions: Definitions, said: Said, options: DefinitionOptions) {
    this.#definitions = definitions;
    this.#said = said;
    this.#options = options;
  }

  *read(first: Work): Iterable<LogicalLine> {
    const waiting: Iterator<Work>[] = [[first][Symbol.iterator]()];
    while (waiting.length > 0) {
      const next = (waiting.at(-1) as Iterator<Work>).next();
      if (next.done) {
        waiting.pop();
        continue;
      }
      const work = next.value;
      try {
        if (work.depth > MOST_NESTED) throw new TooMuch('definitions and loops are nested too deeply');
        const found = this.#step(work);
        if (found === undefined) continue;
        if ('more' in found) waiting.push(found.more[Symbol.iterator]());
        else yield this.#counted(found);
      } catch (error) {
        if (error instanceof TooMuchInAll) this.#said.stop(work, error.message, 'write less by definitions and loops');
        if (!(error instanceof TooMuch)) throw error;
        this.#said.mistake(work, error.message, 'write less by definitions');
        // What is nested too deeply is left at once, not turn by turn.
        waiting.length = 0;
      }
    }
  }

  #step(work: Work): { more: Iterable<Work> } | LogicalLine | undefined {
    if (work.turn !== undefined) {
      for (const [name, value] of work.turn) this.#definitions.define(name, [value]);
      const { lines } = this.#options.limits;
      if (++this.#turns > lines) throw new TooMuchInAll(`loops have more than ${lines} turns together`);
    }
    if (this.#open !== undefined) return this.#goOn(this.#open, work);
    const { text } = work;
    if (text === '') return undefined;
    if (text.startsWith('@') && !work.isChosen) {
      const chosen = this.#chosen(text);
      return chosen === undefined ? undefined : { more: [{ ...work, text: chosen, turn: undefined, isChosen: true }] };
    }
    const definition = /^\$([A-Za-z_]\w*)=(.*)$/.exec(text);
    if (definition !== null) return this.#define(definition[1] as string, (definition[2] as string).trim());
    if (text.startsWith('~')) return this.#loop(work);
    return this.#expanded(work);
  }

  /** Returns the line behind `@ID`, and undefined where it is for somebody else. */
  #chosen(text: string): string | undefined {
    const [, not, id, rest = ''] = /^@(\^?)(\S*)\s*(.*)$/.exec(text) as RegExpExecArray;
    return (id === this.#options.id) === (not === '') ? rest : undefined;
  }

  #define(name: string, value: string): undefined {
    const begun = MULTILINE.exec(value);
    if (begun === null) this.#definitions.define(name, [value]);
    else this.#open = { name, lines: begun[1] === '' ? [] : [begun[1] as string] };
    return undefined;
  }

  #goOn(open: { name: string; lines: string[] }, { text }: Work): undefined {
    const more = MULTILINE.exec(text);
    const line = more === null ? text : (more[1] as string);
    if (line !== '') open.lines.push(line);
    if (more !== null) return undefined;
    this.#definitions.define(open.name, open.lines.length === 0 ? [''] : open.lines);
    this.#open = undefined;
    return undefined;
  }

  #loop(work: Work): { more: Iterable<Work> } | undefined {
    // What stands in the parentheses may be a parameter; what stands behind them changes from turn to turn.
    const close = work.text.indexOf(')') + 1;
    const head = this.#definitions.expand(work.text.slice(0, close), work);
    const loop =
      'text' in head ? loopOf(`${head.text}${work.text.slice(close)}`) : 'a parameter of several lines is in it';
    if (loop === undefined) return undefined;
    if (typeof loop === 'string') {
      this.#said.mistake(work, `${shown(work.text)}: ${loop}`, 'write it as in ~SEQ(N, 1, 4) or ~LST(N, a, b)');
      return undefined;
    }
    const { turns, rest } = loop;
    return {
      more: (function* () {
        for (const turn of turns) yield { ...work, text: rest, turn, depth: work.depth + 1 };
      })(),
    };
  }

  #expanded(work: Work): { more: Iterable<Work> } | LogicalLine {
    const expanded = this.#definitions.expand(work.text, work);
    const inside = { ...work, turn: undefined, depth: work.depth + 1 };
    if ('lines' in expanded) return { more: expanded.lines.map((text) => ({ ...inside, text: text.trim() })) };
    const text = expanded.text.trim();
    // A parameter may hold the condition, the loop, or another definition.
    if (text !== work.text && /^([@~]|\$\w+=)/.test(text)) return { more: [{ ...inside, text }] };
    return { ...work, text };
  }

  #counted({ text, file, line }: LogicalLine): LogicalLine {
    const { limits } = this.#options;
    this.#lines++;
    this.#characters += text.length;
    if (this.#lines > limits.lines) throw new TooMuchInAll(`there are more than ${limits.lines} lines`);
    if (this.#characters > limits.characters)
      throw new TooMuchInAll(`the lines have more than ${limits.characters} characters together`);
    return { text, file, line };
  }
}
