/** The parameters of a configuration: `$NAME=VALUE`, and where `$NAME` or `${NAME}` is written out. */
import { dirname, resolve } from 'node:path';
import type { Place } from './place.js';

/** What the text may grow to. */
export interface Limits {
  /** All lines together, and all that parameters are written out to. */
  characters: number;
  /** Lines that something stands in, and turns of loops. */
  lines: number;
  /** How often a parameter is written out. */
  replacements: number;
}

export const LIMITS: Limits = { characters: 4 * 2 ** 20, lines: 150_000, replacements: 250_000 };

export const MOST_NESTED = 64;
const MOST_IN_LINE = 10_000;
export const LONGEST_LINE = 65_536;

/** One line asks for too much; the lines behind it are read. */
export class TooMuch extends Error {}
/** All lines together ask for too much. */
export class TooMuchInAll extends Error {}

/** A line with its parameters written out; more than one where a definition of several lines was used. */
export type Expanded = { text: string } | { lines: string[] };

export interface DefinitionOptions {
  /** What `@ID` and `${_INSTANCE}` mean. */
  id: string;
  /** Returns a number of [0, 1). */
  random: () => number;
  limits: Limits;
}

const REFERENCE = /\$(?:([A-Za-z_]\w*)(?=\s|$)|\{([A-Za-z_]\w*)((?:[ \t]+\d{1,9}){0,2})\})/g;

export class Definitions {
  readonly #values = new Map<string, readonly string[]>();
  readonly #options: DefinitionOptions;
  #replacements = 0;
  #characters = 0;

  constructor(options: DefinitionOptions) {
    this.#options = options;
  }

  define(name: string, lines: readonly string[]): void {
    this.#values.set(name, lines);
  }

  /** Throws a TooMuch where a definition uses itself or a line grows without an end, a TooMuchInAll where all do. */
  expand(text: string, place: Place): Expanded {
    if (!text.includes('$')) return { text };
    const state = { left: MOST_IN_LINE, length: 0, place };
    const lines: string[] = [''];
    this.#into(lines, text, 0, state);
    // Each line of a definition is read by itself, after what the lines before it define.
    return lines.length === 1 ? { text: lines[0] as string } : { lines };
  }

  #into(lines: string[], text: string, depth: number, state: { left: number; length: number; place: Place }): void {
    const add = (piece: string) => {
      state.length += piece.length;
      if (state.length > LONGEST_LINE) throw new TooMuch('the line grows to more than 65536 characters');
      this.#characters += piece.length;
      const { characters } = this.#options.limits;
      if (this.#characters > characters)
        throw new TooMuchInAll(`parameters are written out to more than ${characters} characters`);
      lines.push(`${lines.pop()}${piece}`);
    };
    let from = 0;
    for (const found of text.matchAll(REFERENCE)) {
      const [whole, bare, braced, numbers = ''] = found;
      const name = (bare ?? braced) as string;
      const value = numbers.trim() === '' ? this.#values.get(name) : undefined;
      const predefined = value === undefined ? this.#predefined(name, numbers, state.place) : undefined;
      if (value === undefined && predefined === undefined) continue;
      if (depth >= MOST_NESTED) throw new TooMuch(`$${name} uses itself`);
      if (--state.left < 0) throw new TooMuch(`a line writes out more than ${MOST_IN_LINE} parameters`);
      const { replacements } = this.#options.limits;
      if (++this.#replacements > replacements)
        throw new TooMuchInAll(`parameters are written out more than ${replacements} times`);
      add(text.slice(from, found.index));
      from = found.index + whole.length;
      if (predefined !== undefined) add(predefined);
      else if (value?.length === 1) this.#into(lines, value[0] as string, depth + 1, state);
      else {
        for (const [index, line] of (value ?? []).entries()) {
          if (index > 0) lines.push('');
          add(line);
        }
      }
    }
    add(text.slice(from));
  }

  #predefined(name: string, numbers: string, { file }: Place): string | undefined {
    switch (name) {
      case '_PWD':
        return dirname(resolve(file));
      case '_INSTANCE':
        return this.#options.id;
      case '_HASH':
        return '#';
      case '_BANG':
        return '!';
      case '_RANDOM': {
        const [least = 0, most = 32767] = numbers.trim().split(/\s+/).filter(Boolean).map(Number);
        return String(Math.floor(least + this.#options.random() * (Math.max(most, least) - least + 1)));
      }
      default:
        return undefined;
    }
  }
}
