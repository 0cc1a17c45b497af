/** Reads the command line as far as it concerns the client; the words that are left are the daemon's to read. */
import { NAME_FORM, socketOfDaemon } from './socket.js';
import { basename } from 'node:path';
import { AdmFailure } from './failure.js';

export interface Call {
  /** The name that this program was called by: `tunvsadm`, `ipvsadm`. */
  program: string;
  /** The path of the daemon's control socket. */
  socket: string;
  /** ipvsadm's words, without the program's name. */
  argv: string[];
  /** Seconds between two listings; undefined for one listing. */
  watch?: number;
  /** The shell whose completion is printed. */
  completion?: string;
  /** The words before the cursor; the last is the one that is completed. */
  completed?: string[];
}

const DEFAULT_NAME = 'tunvs';
const DEFAULT_WATCH_SECONDS = 2;

export function readCall(path: string, args: readonly string[], env: NodeJS.ProcessEnv): Call {
  const program = calledAs(path);
  const call: Call = { program, socket: env.TUNVS_SOCKET || socketOf(DEFAULT_NAME, env), argv: [] };
  const words = [...args];
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const { option, value } = split(word);
    const taken = () => needed(option, value ?? words.shift());
    if (word === '--') call.argv.push(word, ...words.splice(0));
    else if (option === '--name') call.socket = socketOf(taken(), env);
    else if (option === '--socket') call.socket = taken();
    else if (option === '--completion') call.completion = taken();
    else if (option === '--watch') call.watch = watchSeconds(value, words);
    else if (word === '--complete') call.completed = words.splice(0);
    else call.argv.push(word);
  }
  return asNamed(call);
}

/**
 * Returns whether the daemon reads standard input for these words: with any other word it refuses them unread. ipvsadm
 * takes --sort everywhere, which does nothing.
 */
export function readsInput(argv: readonly string[]): boolean {
  const [word, ...more] = argv.filter((each) => each !== '--sort' && each !== '--replace');
  return more.length === 0 && (word === '-R' || word === '--restore');
}

/** Returns whether the words ask for something that can be asked for again and again. */
export function isWatchable(argv: readonly string[]): boolean {
  const [first, second] = argv;
  if (first === undefined || (first === 'mark' && second === 'list')) return true;
  if (first.startsWith('--sysctl')) return !argv.some((word) => word.replace(/^--sysctl=?/, '').includes('='));
  return /^(-[lLS]|--(json|all)$|--(list|save)\b)/.test(first);
}

/** `main.js`, as node names the file in a checkout, is tunvsadm. */
function calledAs(path: string): string {
  const name = basename(path);
  return name.startsWith('ipvsadm') ? name : 'tunvsadm';
}

/** ipvsadm-save and ipvsadm-restore are ipvsadm with words of their own; the latter takes no option. */
function asNamed(call: Call): Call {
  if (/^(-h|-v|--help|--version)$/.test(call.argv[0] ?? '')) return call;
  if (call.program === 'ipvsadm-restore') return { ...call, argv: ['-R', '--replace'] };
  if (call.program === 'ipvsadm-save') return { ...call, argv: ['-S', ...call.argv] };
  return call;
}

function socketOf(name: string, environment: NodeJS.ProcessEnv): string {
  const socket = socketOfDaemon(name, environment);
  if (socket === undefined) throw new AdmFailure(`"${name}" is not a daemon's name: write ${NAME_FORM}`, 2);
  return socket;
}

function split(word: string): { option: string; value?: string } {
  const equals = word.startsWith('--') ? word.indexOf('=') : -1;
  return equals < 0 ? { option: word } : { option: word.slice(0, equals), value: word.slice(equals + 1) };
}

function needed(option: string, value: string | undefined): string {
  if (value) return value;
  throw new AdmFailure(`${option} lacks its value: write the value after it`, 2);
}

function watchSeconds(value: string | undefined, words: string[]): number {
  const written = value ?? (words[0] !== undefined && /^[\d.]+$/.test(words[0]) ? words.shift() : undefined);
  const seconds = written === undefined ? DEFAULT_WATCH_SECONDS : Number(written);
  if (seconds >= 0.1 && seconds <= 86_400) return seconds;
  throw new AdmFailure(`--watch takes seconds from 0.1 to 86400, not "${written}"`, 2);
}
