/** The options of the log, and the log that they ask for. */
import { fstatSync } from 'node:fs';
import type { Command } from 'commander';
import { type Log, type LogFormat, type LogLevel, logFormats, logLevels } from '../../daemon/log.js';
import { lostLines } from '../../daemon/lost-lines.js';
import { descriptorSink, fileSink, isFile, streamSink } from '../../daemon/log-sink.js';
import { choiceArgument } from '../arguments.js';
import type { CliIo } from '../verb.js';
import type { DaemonSpec } from './configuration.js';

export interface LogArguments {
  logFormat?: LogFormat;
  logLevel?: LogLevel;
  logFile?: string;
}

export function addLogOptions(command: Command): Command {
  return command
    .option(
      '--log-format <format>',
      'write a log on standard error, a line for each thing that happens: human or json',
      choiceArgument(logFormats),
    )
    .option(
      '--log-level <level>',
      `least level of the log: ${logLevels.join(', ')} (default: info)`,
      choiceArgument(logLevels),
    )
    .option('--log-file <file>', 'write the log to this file instead; SIGHUP opens it anew');
}

/** Undefined when nobody has asked for one: the command then says on standard error what an operator at it wants. */
export async function askedLog(
  { logFormat, logLevel, logFile }: LogArguments,
  file: DaemonSpec['log'],
  io: CliIo,
): Promise<Log | undefined> {
  const [format, level] = [logFormat ?? file?.format, logLevel ?? file?.level];
  const isForJournal = logFile === undefined && isJournal(process.env.JOURNAL_STREAM, io);
  if ([format, level, logFile].every((given) => given === undefined) && !isForJournal) return undefined;
  const isOwn = io.stderr === process.stderr;
  const lost = lostLines(format ?? 'human', { isForJournal });
  const ownSink = () => (isOwn && isFile(2) ? descriptorSink(2, lost) : streamSink(io.stderr, lost));
  const sink = logFile === undefined ? ownSink() : fileSink(logFile, lost);
  const { createLog } = await import('../../daemon/pino-log.js');
  return createLog({ sink, format: format ?? 'human', level: level ?? 'info', isForJournal });
}

/** systemd names the journal's socket, which standard error may lead away from. */
function isJournal(stream: string | undefined, io: CliIo): boolean {
  if (stream === undefined || io.stderr !== process.stderr) return false;
  try {
    const { dev, ino } = fstatSync(2, { bigint: true });
    return stream === `${dev}:${ino}`;
  } catch {
    // Standard error is closed.
    return false;
  }
}
