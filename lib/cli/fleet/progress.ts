/** Says how draining goes on: a sentence a line, or an object a line. */
import { toJson } from '../json.js';
import type { CliIo } from '../verb.js';

export type Say = (event: string, sentence: string, fields: object) => void;

export function progress({ stdout }: Pick<CliIo, 'stdout'>, isJson: boolean): Say {
  return (event, sentence, fields) => stdout.write(isJson ? `${toJson({ event, ...fields })}\n` : `${sentence}\n`);
}
