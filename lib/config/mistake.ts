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
  return `${file}:${line}:${column}: ${path === '' ? '' : `${path}: `}${message}: ${mend}`;
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
  return path.reduce<string>(pathWithin, '');
}

/** Returns the path of a part of what stands at `path`. A file has very many values, each within another. */
export function pathWithin(path: string, part: string | number): string {
  if (typeof part === 'number') return `${path}[${part}]`;
  if (!/^[A-Za-z_][\w.-]*$/.test(part)) return `${path}[${JSON.stringify(part)}]`;
  return path === '' ? part : `${path}.${part}`;
}
