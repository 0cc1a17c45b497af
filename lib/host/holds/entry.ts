/** What a holder has made on the host and how to take it back: one line of its journal. */
import type { HostCommand, HostStep } from '../step.js';
import { formatHostCommand } from '../step.js';

export interface Entry {
  readonly command: HostCommand;
  readonly undo: HostCommand;
}

/** Two steps with the same key make the same thing: it goes with the last of them. */
export function keyOf({ undo }: Pick<Entry, 'undo'>): string {
  return 'write' in undo ? undo.write : formatHostCommand(undo);
}

/** Undefined when what the step makes goes with a device. */
export function entryOf({ command, undo }: HostStep): Entry | undefined {
  return undo && { command, undo };
}

/** Says whether it is a route that only prevents loops, and that stays for as long as the host forwards. */
export function isFallback({ undo }: Entry): boolean {
  return 'argv' in undo && undo.argv.includes('unreachable');
}

/** Reads a value from a file; returns undefined when it is not an entry that tunvs writes. */
export function readEntry(value: unknown): Entry | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { command, undo } = value as Record<string, unknown>;
  return isCommand(command) && isCommand(undo) ? { command, undo } : undefined;
}

function isCommand(value: unknown): value is HostCommand {
  if (typeof value !== 'object' || value === null) return false;
  const { argv, write, value: text, onlyIf, also = [] } = value as Record<string, unknown>;
  if (argv !== undefined)
    return Array.isArray(argv) && argv[0] === 'ip' && argv.every((word) => typeof word === 'string' && isLine(word));
  const isAlso = (each: unknown) => isWrite((each as { write?: unknown })?.write, (each as { value?: unknown })?.value);
  return isWrite(write, text) && (onlyIf === undefined || isValue(onlyIf)) && Array.isArray(also) && also.every(isAlso);
}

function isWrite(path: unknown, value: unknown): boolean {
  if (typeof path !== 'string' || !isValue(value)) return false;
  const parts = path.split('/');
  return parts[0] === 'net' && isLine(path) && parts.every((part) => part !== '' && part !== '.' && part !== '..');
}

const isValue = (value: unknown) => typeof value === 'string' && /^[\d\t -]{1,64}$/.test(value);

/** The text holds no control character. */
const isLine = (text: string) => text.length < 4096 && !/\p{Cc}/u.test(text);
