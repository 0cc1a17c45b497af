/** What becomes of a keyword of keepalived's. docs/keepalived.md is made of these tables, and files are judged by them. */

/**
 * `done`: it means here what it means there. `differs`: it is done in another way, which the note says. `vrrp`: it
 * belongs to VRRP and is passed over, with one line for its block. `not done`: each use is named with its line.
 * `refused`: nothing is run while it stands there. `no effect`: there is nothing to do here.
 */
export const fates = ['done', 'differs', 'vrrp', 'not done', 'refused', 'no effect'] as const;

export type Fate = (typeof fates)[number];

export interface Keyword {
  readonly fate: Fate;
  /** One sentence: how it differs, why it is not done, or what is there in its place. */
  readonly note?: string;
  /** What may stand in its block; `lines` is a block whose lines have no keywords. */
  readonly block?: Keywords | 'lines';
  /** Whether it may stand without its block. */
  readonly isBlockOptional?: boolean;
}

export type Keywords = Readonly<Record<string, Keyword>>;

/** Gives the keywords of a line of names the same fate. */
export function all(names: string, fate: Fate, note?: string, more: Omit<Keyword, 'fate' | 'note'> = {}): Keywords {
  const keyword: Keyword = { fate, ...(note !== undefined && { note }), ...more };
  return Object.fromEntries(
    names
      .trim()
      .split(/\s+/)
      .map((name) => [name, keyword]),
  );
}

/** A keyword that opens a block. */
export function block(
  names: string,
  fate: Fate,
  inside: Keywords | 'lines',
  note?: string,
  isBlockOptional = false,
): Keywords {
  return all(names, fate, note, { block: inside, ...(isBlockOptional && { isBlockOptional }) });
}

export function keywordOf(table: Keywords, name: string): Keyword | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
