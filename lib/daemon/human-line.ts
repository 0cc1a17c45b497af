/** One line of the log for people: time, level, sentence, then what else is known as key=value. */
import { printable } from '../values/printable.js';

const WIDTH = 5;

export function humanLine(record: Readonly<Record<string, unknown>>, withLevel: boolean): string {
  const { time, level, message, event, ...fields } = record;
  const head = withLevel ? [...(time === undefined ? [] : [time]), String(level).padEnd(WIDTH)] : [];
  const known = event === message ? fields : { event, ...fields };
  const pairs = Object.entries(known).map(([key, value]) => `${printable(key)}=${shown(value)}`);
  return [...head, printable(String(message)), ...pairs].join(' ');
}

/** A value that is one word stands as it is; any other is quoted, as JSON does. */
function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return typeof value === 'string' && !/^[\w.:/@+,-]+$/.test(text) ? printable(JSON.stringify(text)) : printable(text);
}
