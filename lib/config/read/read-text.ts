/** Turns bytes into text that a YAML parser may see. */
import type { Mistake } from '../mistake.js';
import { MAX_BYTES } from './files.js';

const decoder = new TextDecoder('utf-8', { fatal: true });

// biome-ignore lint/suspicious/noControlCharactersInRegex: YAML and JSON have no such characters.
const UNPRINTABLE = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/;

/** Returns the text without a byte order mark, or the mistake that it is none. */
export function readText(given: string | Uint8Array, file: string): string | Mistake {
  const whole = { path: '', file, line: 1, column: 1 };
  if (given.length > MAX_BYTES)
    return { ...whole, message: 'the file is larger than 64 MiB', mend: 'divide it by includes' };
  let text: string;
  try {
    text = typeof given === 'string' ? given.replace(/^\uFEFF/, '') : decoder.decode(given);
  } catch {
    // The decoder says no more than that.
    return { ...whole, message: 'the file is not text in UTF-8', mend: 'name a YAML or JSON file, saved as UTF-8' };
  }
  const at = text.search(UNPRINTABLE);
  if (at < 0) return file.endsWith('.json') ? withoutTabs(text) : text;
  const before = text.slice(0, at).split('\n');
  const code = text.charCodeAt(at).toString(16).toUpperCase().padStart(4, '0');
  return {
    path: '',
    file,
    line: before.length,
    column: (before.at(-1) as string).length + 1,
    message: `the character U+${code} cannot stand in a configuration file`,
    mend: 'remove it',
  };
}

/** JSON may be indented with tabs, and YAML may not. No text of JSON goes over the end of a line. */
function withoutTabs(text: string): string {
  return text.replace(/^[\t ]+/gm, (indent) => ' '.repeat(indent.length));
}
