/** Says what keys mean, apart from the terminal that they are pressed on. */

export type KeyAction =
  | { kind: 'select'; index: number }
  | { kind: 'move'; by: -1 | 1 }
  | { kind: 'toggle' | 'drain' | 'next' | 'end' | 'interrupt' };

const NAMED: Record<string, KeyAction> = {
  '\x1b[A': { kind: 'move', by: -1 },
  '\x1bOA': { kind: 'move', by: -1 },
  k: { kind: 'move', by: -1 },
  '\x1b[B': { kind: 'move', by: 1 },
  '\x1bOB': { kind: 'move', by: 1 },
  j: { kind: 'move', by: 1 },
  s: { kind: 'toggle' },
  d: { kind: 'drain' },
  n: { kind: 'next' },
  ' ': { kind: 'next' },
  q: { kind: 'end' },
  '\x03': { kind: 'interrupt' },
  '\x04': { kind: 'end' },
  '\x1c': { kind: 'interrupt' },
};

// biome-ignore lint/suspicious/noControlCharactersInRegex: the sequences that a terminal sends begin with ESC.
const SEQUENCE = /\x1b(?:\[[\d;]*[@-~]|O.)?|./gsu;

// biome-ignore lint/suspicious/noControlCharactersInRegex: the same.
const BEGUN = /\x1b(?:\[[\d;]*|O)?$/;

/** A terminal that brackets what is pasted sends these around it. */
const PASTE = '\x1b[200~';
const PASTED = '\x1b[201~';

/** Reads keys out of what a terminal sends, in pieces of any size; pasted text is no keys. */
export class KeyReader {
  #isPasting = false;
  /** The beginning of a sequence whose end is still to come. */
  #begun = '';

  /** Returns the actions; other keys mean nothing. */
  read(input: string): KeyAction[] {
    const whole = this.#begun + input;
    this.#begun = BEGUN.exec(whole)?.[0] ?? '';
    const complete = whole.slice(0, whole.length - this.#begun.length);
    return [...complete.matchAll(SEQUENCE)].flatMap(([key]) => this.#action(key));
  }

  #action(key: string): KeyAction[] {
    if (key === PASTE || key === PASTED) this.#isPasting = key === PASTE;
    if (this.#isPasting) return [];
    if (/^[1-9]$/.test(key)) return [{ kind: 'select', index: Number(key) - 1 }];
    const action = NAMED[key.length === 1 ? key.toLowerCase() : key];
    return action === undefined ? [] : [action];
  }
}
