/** One call from the command line to the exit code. */
import { accessSync, constants } from 'node:fs';
import { ask, type Body } from './ask.js';
import { requestBody, requestWithInput } from './body.js';
import { type Call, readCall, readsInput } from './call.js';
import { AdmFailure, connectFailure } from './failure.js';
import { ReaderGone, write } from './output.js';

const STDOUT = 1;
const STDERR = 2;
/** What a shell reports for a command that SIGPIPE ends, as it ends ipvsadm. */
const EXIT_READER_GONE = 141;
const EXIT_FAILED = 1;

export async function run(path: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  let program = 'tunvsadm';
  try {
    const call = readCall(path, args, env);
    program = call.program;
    return (await answerAlone(call)) ?? (await answerByDaemon(call));
  } catch (error) {
    return failed(program, error);
  }
}

/** What needs no daemon, or more than one request; loaded only when it is asked for. */
async function answerAlone(call: Call): Promise<number | undefined> {
  const [first] = call.argv;
  if (first === '--help' || first === '-h') return print((await import('./help.js')).help(call.program));
  if (first === '--version' || first === '-v') return print((await import('./version.js')).version(call.program));
  if (call.completion !== undefined) {
    return print((await import('./completion/scripts.js')).completionScript(call.completion));
  }
  if (call.completed !== undefined) return (await import('./completion/complete.js')).complete(call);
  if (call.watch !== undefined) return (await import('./watch.js')).watch(call, call.watch);
  return undefined;
}

async function answerByDaemon({ socket, argv }: Call): Promise<number> {
  const body = readsInput(argv) ? await withInput(socket, argv) : requestBody(argv);
  for await (const piece of ask(socket, body)) {
    if ('out' in piece) write(STDOUT, piece.out);
    else if ('err' in piece) write(STDERR, piece.err);
    else return piece.exit;
  }
  return EXIT_FAILED;
}

/** Whoever types rules learns before that there is no daemon for them. */
function withInput(socket: string, argv: readonly string[]): Promise<Body> {
  try {
    accessSync(socket, constants.W_OK);
  } catch (error) {
    throw connectFailure(socket, error as NodeJS.ErrnoException);
  }
  return requestWithInput(argv, process.stdin);
}

function print(text: string): number {
  write(STDOUT, text);
  return 0;
}

function failed(program: string, error: unknown): number {
  if (error instanceof ReaderGone) return EXIT_READER_GONE;
  const { code, message, stack } = error as NodeJS.ErrnoException;
  const sentence =
    error instanceof AdmFailure ? message : code === undefined ? stack : `the output cannot be written (${code})`;
  try {
    write(STDERR, `${program}: ${sentence}\n`);
  } catch {
    // Nobody is left who could read it.
  }
  return error instanceof AdmFailure ? error.exitCode : EXIT_FAILED;
}
