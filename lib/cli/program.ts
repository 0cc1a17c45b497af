/**
 * `tunvs VERB ...`: reads the command line, runs the verb, and turns what it throws into sentences and an exit code.
 */
import { Command, CommanderError } from 'commander';
import { packageVersion } from '../values/package-version.js';
import { printableLines } from '../values/printable.js';
import { asUsageError } from './option-names.js';
import { type CliIo, Interrupted, UsageError, type Verb } from './verb.js';
import { errorWords } from './words.js';

export const EXIT_DONE = 0;
/** What the command line names cannot be used (a file, a device, the host), or the verb failed in another way. */
export const EXIT_FAILED = 1;
/** The command line itself is wrong, whatever reads it. */
export const EXIT_USAGE = 2;

/** Runs one command line (without node and script) and returns its exit code. */
export async function runCli(args: readonly string[], verbs: readonly Verb[], io: CliIo): Promise<number> {
  let path = 'tunvs';
  const program = buildProgram(verbs, io, (verb) => {
    path = `tunvs ${verb}`;
  });
  try {
    if (args.length === 0) program.help({ error: true });
    await program.parseAsync(args, { from: 'user' });
    return EXIT_DONE;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_DONE : EXIT_USAGE;
    if (error instanceof Interrupted) return error.exitCode;
    const [first, ...others] = error instanceof AggregateError ? error.errors : [error];
    const sentences = new Set([first, ...others].map(errorSentence));
    for (const sentence of sentences) io.stderr.write(`${path}: ${printableLines(sentence)}\n`);
    return first instanceof UsageError ? EXIT_USAGE : EXIT_FAILED;
  }
}

/** The notes and examples of the verbs are no wider. */
const HELP_WIDTH = 80;

/** `begin` is called before a verb runs. */
function buildProgram(verbs: readonly Verb[], io: CliIo, begin: (verb: string) => void): Command {
  const program = new Command('tunvs')
    .description('A Linux Virtual Server (LVS/TUN) director in user space')
    .version(packageVersion(), '-v, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .addHelpText(
      'after',
      `
Exit codes:
  0  done
  1  failed, as when something that the command line names cannot be used: a
     file that is missing or holds a mistake, a device of another kind
  2  the command line itself is wrong

"tunvs VERB --help" shows the options and examples of a verb.`,
    );
  for (const verb of verbs) {
    const command = program.command(verb.name).summary(verb.summary).description(verb.summary);
    verb.configure(command);
    command.action(async () => {
      begin(verb.name);
      try {
        await verb.run({ options: command.opts(), operands: command.args, io });
      } catch (error) {
        throw asUsageError(error);
      }
    });
  }
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      getOutHelpWidth: () => HELP_WIDTH,
      getErrHelpWidth: () => HELP_WIDTH,
      outputError: (text, write) => write(usageSentence(text, command)),
    });
  }
  return program;
}

function usageSentence(text: string, command: Command): string {
  const path = command.parent ? `tunvs ${command.name()}` : 'tunvs';
  const [message = '', ...suggestion] = text
    .trim()
    .replace(/^error: /, '')
    .split('\n');
  const hint = suggestion.join(' ').trim();
  return `${path}: ${message.replace(/\.$/, '')}${hint ? ` ${hint}` : ''}: see "${path} --help"\n`;
}

function errorSentence(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // An error without a code is a mistake of ours, and its stack says where; what a user can mend has a code or is a
  // UsageError.
  const isOurs = !(error instanceof UsageError) && (error as { code?: unknown }).code === undefined;
  return isOurs ? (error.stack ?? error.message) : errorWords(error);
}
