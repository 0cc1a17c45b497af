/** Says what happens to a running director: in the log where there is one, otherwise on standard error. */
import type { Log, LogLevel } from '../../daemon/log.js';
import { printableLines } from '../../values/printable.js';
import type { CliIo } from '../verb.js';
import { commandWords } from '../words.js';

/** `event` and `fields` are for the log. */
export type Tell = (level: LogLevel, event: string, sentence: string, fields?: object) => void;

export function teller(log: Log | undefined, io: CliIo): Tell {
  if (log !== undefined) return (level, event, sentence, fields) => log[level](event, fields, commandWords(sentence));
  return (_level, _event, sentence) => io.stderr.write(`tunvs run: ${printableLines(commandWords(sentence))}\n`);
}
