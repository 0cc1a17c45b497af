/**
 * The daemon's log, with a line for each thing that happened: for people, or as JSON.
 *
 * Invariants: no call throws, waits for a reader, or fails because a line cannot be written; a line that can be written
 * at once is out when the call returns, so that the last one before a crash is there.
 */

/** The values of {@link LogLevel}, the most talkative first. */
export const logLevels = ['debug', 'info', 'warn', 'error'] as const;

export type LogLevel = (typeof logLevels)[number];

/** The values of {@link LogFormat}. */
export const logFormats = ['human', 'json'] as const;

export type LogFormat = (typeof logFormats)[number];

export type Say = (event: string, fields?: object, sentence?: string) => void;

/** `event` is a word that programs go by, and the sentence is for people; without one, the word is said. */
export type Log = Record<LogLevel, Say> & {
  /** Opens the log's file anew, if it has one. */
  reopen(): void;
};
