/** Reads the values of keywords as keepalived does, and says what it would not take. */
import { type Place, type Said, shown } from '../language/place.js';
import type { Statement } from '../language/statements.js';

/** Where each keyword of a block stands last. A service is asked for its own once for each of its real servers. */
const places = new WeakMap<readonly Statement[], ReadonlyMap<string, number>>();

function placesIn(block: readonly Statement[]): ReadonlyMap<string, number> {
  const known = places.get(block) ?? new Map(block.map(({ keyword }, index) => [keyword, index]));
  places.set(block, known);
  return known;
}

/**
 * The statement of a block that counts: keepalived takes the last one.
 *
 * REQUIRES: the block is complete.
 */
export function last(block: readonly Statement[] | undefined, ...keywords: string[]): Statement | undefined {
  if (block === undefined) return undefined;
  const found = placesIn(block);
  return block[Math.max(...keywords.map((keyword) => found.get(keyword) ?? -1))];
}

export function each(block: readonly Statement[] | undefined, ...keywords: string[]): Statement[] {
  return (block ?? []).filter(({ keyword }) => keywords.includes(keyword));
}

export class Values {
  readonly said: Said;

  constructor(said: Said) {
    this.said = said;
  }

  refuse({ keyword, place }: Statement, given: string | undefined, expected: string): undefined {
    const what = given === undefined ? `${keyword} has no value` : `${keyword} cannot be ${shown(given)}`;
    this.said.mistake(place, what, `write ${expected}`);
    return undefined;
  }

  /** Words that nothing reads are no mistake to keepalived. */
  only(statement: Statement, count: number): void {
    const more = statement.words[count];
    if (more !== undefined)
      this.said.warning(statement.place, `${statement.keyword} does not use ${shown(more)}`, 'leave it out');
  }

  word(statement: Statement | undefined, expected: string): string | undefined {
    if (statement === undefined) return undefined;
    this.only(statement, 1);
    const [given] = statement.words;
    return given === undefined || given === '' ? this.refuse(statement, given, expected) : given;
  }

  integer(statement: Statement | undefined, min: number, max: number): number | undefined {
    const expected = `a whole number from ${min} to ${max}`;
    const given = this.word(statement, expected);
    if (statement === undefined || given === undefined) return undefined;
    const value = integerOf(given);
    return value === undefined || value < min || value > max ? this.refuse(statement, given, expected) : value;
  }

  /** Returns milliseconds. Parts of a second have a decimal point; less than a millisecond counts as one. */
  seconds(statement: Statement | undefined, min: number, max = 86_400): number | undefined {
    const expected = `seconds from ${min} to ${max}, as in 6 or 0.5`;
    const given = this.word(statement, expected);
    if (statement === undefined || given === undefined) return undefined;
    const value = /^(\d{1,10}\.?\d{0,9}|\.\d{1,9})$/.test(given) ? Number(given) : Number.NaN;
    if (!(value >= min && value <= max)) return this.refuse(statement, given, expected);
    return value === 0 ? 0 : Math.max(1, Math.round(value * 1000));
  }

  /** A keyword without a word says yes. */
  boolean(statement: Statement | undefined): boolean | undefined {
    if (statement === undefined) return undefined;
    this.only(statement, 1);
    const [given] = statement.words;
    if (given === undefined || /^(on|true|yes)$/i.test(given)) return true;
    return /^(off|false|no)$/i.test(given) ? false : this.refuse(statement, given, 'on or off');
  }

  choice<T extends string>(statement: Statement | undefined, choices: readonly T[]): T | undefined {
    const expected = `one of ${choices.join(', ')}`;
    const given = this.word(statement, expected);
    if (statement === undefined || given === undefined) return undefined;
    return choices.find((choice) => choice === given) ?? this.refuse(statement, given, expected);
  }

  port(place: Place, given: string): number | undefined {
    const value = integerOf(given);
    if (value !== undefined && value >= 0 && value <= 65535) return value;
    this.said.mistake(place, `${shown(given)} is no port`, 'write a number from 0 to 65535');
    return undefined;
  }
}

export function integerOf(text: string): number | undefined {
  return /^-?\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** A duration as the configuration writes it. */
export function durationText(ms: number): string {
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}
