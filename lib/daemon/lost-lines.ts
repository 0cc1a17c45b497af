/** The line of a log that says how many before it could not be written, in the format of the log. */
import type { LogFormat } from './log.js';

export type LostLines = (lines: number, why: string) => string;

export function lostLines(format: LogFormat, { isForJournal = false, now = () => new Date() } = {}): LostLines {
  return (lines, why) => {
    const message = `${lines} line${lines === 1 ? '' : 's'} of the log could not be written: ${why}`;
    const time = isForJournal ? {} : { time: now().toISOString() };
    const text =
      format === 'json' ? JSON.stringify({ level: 'warn', ...time, event: 'linesLost', lines, message }) : message;
    return `${isForJournal ? '<4>' : ''}${text}\n`;
  };
}
