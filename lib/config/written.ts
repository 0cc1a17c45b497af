/** Values as a file writes them: a duration whose field names no unit has one in its text. */
import { branches, schemasAt } from './schema/expected.js';
import type { Path } from './mistake.js';

/** Writes 2000 as `2s`, and 500 as `500ms`. */
export const durationText = (ms: number): string => (ms % 1000 === 0 && ms > 0 ? `${ms / 1000}s` : `${ms}ms`);

/** Returns a copy of what stands at a path of a spec, such as that of a service's health. */
export function asWritten(value: unknown, path: Path): unknown {
  if (Array.isArray(value)) return value.map((each, index) => asWritten(each, [...path, index]));
  if (typeof value === 'object' && value !== null) {
    const given = Object.entries(value).filter(([, each]) => each !== undefined);
    return Object.fromEntries(given.map(([name, each]) => [name, asWritten(each, [...path, name])]));
  }
  return typeof value === 'number' && isDurationAt(path) ? durationText(value) : value;
}

function isDurationAt(path: Path): boolean {
  const found = schemasAt(path).flatMap(branches);
  return found.length > 0 && found.every(({ type, title }) => type === 'string' && title?.startsWith('a duration'));
}
