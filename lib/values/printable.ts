/** Text of others on terminals and in logs: what it holds cannot begin a line of its own, or steer a terminal. */

/** Marks of direction too: they turn around what a terminal shows of the rest of the line. */
const UNPRINTABLE = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/** Writes what has no picture as JSON would: `\u001b`. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Does the same, but for the ends of lines. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

/** Does the same to each text of a value of JSON, the names of members included. */
export function printableMembers<T>(value: T): T {
  return printed(value) as T;
}

function printed(value: unknown): unknown {
  if (typeof value === 'string') return printable(value);
  if (Array.isArray(value)) return value.map(printed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [printable(name), printed(member)]));
}
