/** A mistake in a configuration file, or a warning about it: where it is, what is wrong, what to do. */
import { TunvsError } from '../values/errors.js';
import type { Origin } from './spec.js';

export interface Mistake extends Origin {
  /** The place in the file's structure, such as `services[0].port`; it is empty for the file as a whole. */
  path: string;
  message: string;
  mend: string;
}

/** Writes `web.yaml:3:9: services[0].port: 'http' cannot stand here: write an integer from 0 to 65535`. */
export function mistakeSentence({ file, line, column, path, message, mend }: Mistake): string {
  return `${placeText({ file, line, column }, path)}${message}: ${mend}`;
}

/** Writes `web.yaml:3:9: services[0].port: `, as much of it as is known. */
export function placeText(origin: Origin | undefined, path: string): string {
  const place = origin === undefined ? '' : `${origin.file}:${origin.line}:${origin.column}: `;
  return path === '' ? place : `${place}${path}: `;
}

/** A configuration file that holds mistakes; the message has a line for each. */
export class ConfigError extends TunvsError {
  readonly mistakes: readonly Mistake[];

  constructor(mistakes: readonly Mistake[]) {
    super('ERR_TUNVS_INVALID_ARGUMENT', mistakes.map(mistakeSentence).join('\n'));
    this.mistakes = mistakes;
  }
}

export type Path = readonly (string | number)[];

/** Writes `services[0].servers[2].weight`. */
export function formatPath(path: Path): string {
  return path
    .map((part) => {
      if (typeof part === 'number') return `[${part}]`;
      return /^[A-Za-z_][\w.-]*$/.test(part) ? `.${part}` : `[${JSON.stringify(part)}]`;
    })
    .join('')
    .replace(/^\./, '');
}
