/** A mistake in a configuration file, or a warning about it: where it is, what is wrong, what to do. */
import { TunvsError } from '../values/errors.js';
import { printable } from '../values/printable.js';
import type { Origin } from './spec.js';

/** What is wrong in a configuration file, where it stands, and what to do. */
export interface Mistake extends Origin {
  /** The place in the file's structure, such as `services[0].port`; it is empty for the file as a whole. */
  path: string;
  /** What is wrong. */
  message: string;
  /** What to do. */
  mend: string;
}

/**
 * Writes a mistake in one line, as `tunvs check` does.
 *
 * @example
 * ```ts
 * import { mistakeSentence } from 'tunvs/config';
 *
 * const place = { file: 'web.yaml', line: 3, column: 9, path: 'services[0].port' };
 * const sentence = mistakeSentence({ ...place, message: 'it is no port', mend: 'write 80' });
 * console.log(sentence); // web.yaml:3:9: services[0].port: it is no port: write 80
 * ```
 */
export function mistakeSentence({ file, line, column, path, message, mend }: Mistake): string {
  return printable(`${placeText({ file, line, column }, path)}${message}: ${mend}`);
}

/** Writes `web.yaml:3:9: services[0].port: `, as much of it as is known. */
export function placeText(origin: Origin | undefined, path: string): string {
  const place = origin === undefined ? '' : `${origin.file}:${origin.line}:${origin.column}: `;
  return path === '' ? place : `${place}${path}: `;
}

/**
 * A configuration file that holds mistakes; the message has a line for each. Its code is ERR_TUNVS_INVALID_ARGUMENT.
 *
 * @example
 * ```ts
 * import { ConfigError, parseConfig } from 'tunvs/config';
 *
 * const parsed = parseConfig('source: 10.2.0.2\npathMtu: 50000000', { path: 'web.yaml' });
 * if ('mistakes' in parsed) console.log(new ConfigError(parsed.mistakes).mistakes[0]?.path); // pathMtu
 * ```
 */
export class ConfigError extends TunvsError {
  /** All of them. */
  readonly mistakes: readonly Mistake[];

  /** Takes what {@link parseConfig} has found. */
  constructor(mistakes: readonly Mistake[]) {
    super('ERR_TUNVS_INVALID_ARGUMENT', mistakes.map(mistakeSentence).join('\n'));
    this.mistakes = mistakes;
  }
}

export type Path = readonly (string | number)[];

/** Writes `services[0].servers[2].weight`. */
export function formatPath(path: Path): string {
  return path.reduce<string>(pathWithin, '');
}

/** Returns the path of a part of what stands at `path`. A file has very many values, each within another. */
export function pathWithin(path: string, part: string | number): string {
  if (typeof part === 'number') return `${path}[${part}]`;
  if (!/^[A-Za-z_][\w.-]*$/.test(part)) return `${path}[${JSON.stringify(part)}]`;
  return path === '' ? part : `${path}.${part}`;
}

/** The mend of a sentence stands behind its last colon and blank. */
export function divided(sentence: string): { message: string; mend: string } {
  const colon = sentence.lastIndexOf(': ');
  if (colon < 0) return { message: sentence, mend: 'leave it out' };
  return { message: sentence.slice(0, colon), mend: sentence.slice(colon + 2) };
}
