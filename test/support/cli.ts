/** Runs a command line within the test; returns what it wrote and its exit code. */
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { runCli } from '../../lib/cli/program.js';
import type { CliIo, Verb } from '../../lib/cli/verb.js';

/** Of what `--dry-run --json` prints, whatever the verb. */
export const DRY_RUN_KEYS = ['event', 'verb', 'devices', 'programs', 'rings', 'host', 'rules'];

export interface CliResult {
  exitCode: number;
  stdout: string;
  stderr: string;
}

export async function cli(
  args: readonly string[],
  verbs: readonly Verb[],
  stdin = '',
  isTerminal = false,
): Promise<CliResult> {
  const stdout = new PassThrough();
  const stderr = Object.assign(new PassThrough(), { isTTY: isTerminal });
  const io: CliIo = { stdin: Readable.from([stdin]), stdout, stderr };
  const written = Promise.all([text(stdout), text(stderr)]);
  const exitCode = await runCli(args, verbs, io);
  stdout.end();
  stderr.end();
  const [out, err] = await written;
  return { exitCode, stdout: out, stderr: err };
}
