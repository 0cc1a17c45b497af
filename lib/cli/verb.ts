/** What a verb of the command line is. Each has a file in verbs/ and a line in verbs/index.ts. */
import type { Command, OptionValues } from 'commander';

/** The streams that a verb reads and writes: the process's own, or a test's. */
export interface CliIo {
  stdin: NodeJS.ReadableStream;
  /** For what was asked for. */
  stdout: NodeJS.WritableStream;
  /** For progress, warnings and errors. */
  stderr: NodeJS.WritableStream & { isTTY?: boolean };
}

export interface VerbContext<Options extends object = OptionValues> {
  /** The options as commander read them, checked by the parsers that configure() named. */
  options: Options;
  /** The words that are no options, as configure() declared them. */
  operands: readonly string[];
  io: CliIo;
}

export interface Verb {
  name: string;
  /** One line for `tunvs --help`. */
  summary: string;
  /** Adds options, and examples after the help. */
  configure(command: Command): void;
  /** Returns when done, which is exit code 0; see program.ts for what is thrown. */
  run(context: VerbContext): Promise<void>;
}

/** A mistake on the command line itself. The message is one sentence and says how to mend it. */
export class UsageError extends Error {}

/** A signal ended the verb before it was done: the exit code says so, and nothing is printed. */
export class Interrupted extends Error {
  readonly code = 'INTERRUPTED';
  /** 128 plus the signal's number. */
  readonly exitCode: number;

  constructor(exitCode: number) {
    super(`interrupted (${exitCode})`);
    this.exitCode = exitCode;
  }
}
