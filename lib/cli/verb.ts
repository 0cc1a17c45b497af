/** What a verb of the command line is. One file each in verbs/, one line each in verbs/index.ts. */
import type { Command, OptionValues } from 'commander';

/** Where a verb reads and writes; the process's own streams, or a test's. */
export interface CliIo {
  stdin: NodeJS.ReadableStream;
  /** What was asked for. */
  stdout: NodeJS.WritableStream;
  /** Progress, warnings, errors. */
  stderr: NodeJS.WritableStream & { isTTY?: boolean };
}

export interface VerbContext<Options extends object = OptionValues> {
  /** As commander read them, checked by the parsers that configure() named. */
  options: Options;
  io: CliIo;
}

export interface Verb {
  name: string;
  /** One line for `tunvs --help`. */
  summary: string;
  /** Adds options, and examples after the help. */
  configure(command: Command): void;
  /** Returns when done, which is exit code 0. A thrown UsageError is exit code 2, any other error 1. */
  run(context: VerbContext): Promise<void>;
}

/** A mistake on the command line: exit code 2. One sentence, with the mend. */
export class UsageError extends Error {}

/** Ended by a signal before it was done: the exit code says so, and nothing is printed. */
export class Interrupted extends Error {
  readonly code = 'INTERRUPTED';
  /** 128 and the signal's number. */
  readonly exitCode: number;

  constructor(exitCode: number) {
    super(`interrupted (${exitCode})`);
    this.exitCode = exitCode;
  }
}
