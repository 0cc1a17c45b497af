/** The log on pino. It is loaded where somebody wants a log only: the commands that print and end need none. */
import pino from 'pino';
import { humanLine } from './human-line.js';
import type { Log, LogFormat, LogLevel, Say } from './log.js';
import type { LogSink } from './log-sink.js';

export interface LogOptions {
  sink: LogSink;
  format: LogFormat;
  level: LogLevel;
  /** The journal adds the time itself, and takes the level from the beginning of a line. */
  isForJournal?: boolean;
}

/** Those of syslog(3), by which journald sorts. */
const PRIORITIES: Readonly<Record<LogLevel, number>> = { debug: 7, info: 6, warn: 4, error: 3 };

export function createLog({ sink, format, level, isForJournal = false }: LogOptions): Log {
  const logger = pino(
    {
      level,
      base: null,
      messageKey: 'message',
      timestamp: isForJournal ? false : () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    {
      write: (line: string) => {
        const text = format === 'json' ? line.trimEnd() : humanLine(JSON.parse(line), !isForJournal);
        const priority = isForJournal ? `<${PRIORITIES[levelOf(line)]}>` : '';
        sink.write(`${priority}${text}\n`);
      },
    },
  );
  const say =
    (at: LogLevel): Say =>
    (event, fields, sentence = event) =>
      logger[at]({ event, ...fields }, sentence);
  return {
    debug: say('debug'),
    info: say('info'),
    warn: say('warn'),
    error: say('error'),
    reopen: () => sink.reopen(),
  };
}

/** Pino writes the level first. */
function levelOf(line: string): LogLevel {
  return /^\{"level":"(\w+)"/.exec(line)?.[1] as LogLevel;
}
