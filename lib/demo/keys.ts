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
};

// biome-ignore lint/suspicious/noControlCharactersInRegex: the sequences that a terminal sends begin with ESC.
const SEQUENCE = /\x1b(?:\[[\d;]*[@-~]|O.)?|./gsu;

/** Returns the actions in what a terminal sent at once; other keys mean nothing. */
export function parseKeys(input: string): KeyAction[] {
  return [...input.matchAll(SEQUENCE)].flatMap(([key]) => {
    if (/^[1-9]$/.test(key)) return [{ kind: 'select' as const, index: Number(key) - 1 }];
    const action = NAMED[key.length === 1 ? key.toLowerCase() : key];
    return action === undefined ? [] : [action];
  });
}
