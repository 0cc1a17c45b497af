/**
 * Executes one call of ipvsadm 1.31 at a running director: its whole grammar, what it prints, and its exit status.
 * Beyond it, in the same grammar: `--json`, `--all`, `--drain` and `--sysctl`, and the lines `mark ...` and
 * `sysctl ...` of rules files.
 */
import { native } from '../../native/addon.js';
import { TunvsError } from '../../values/errors.js';
import type { ShowCommand } from '../apply.js';
import type { CommandName } from '../command.js';
import { RulesError } from '../errors.js';
import { parseCommand } from '../parse-command.js';
import { parseRule, type Rule, ruleLine } from '../parse-rules.js';
import { scanOptions } from '../scan.js';
import type { RulesSession } from '../session.js';
import { type ShowSource, show } from '../show.js';
import { checkSupported } from '../supported.js';
import { drainFirst, isDeletion } from './drain.js';
import { type Extensions, NO_EXTENSIONS, refuseExtension, takeExtensions } from './extensions.js';
import { HELP, VERSION } from './help.js';
import { json, showJson } from './json.js';
import { type NameResolver, namesForListing, systemNames } from './names.js';
import { type AdmPiece, inPieces } from './piece.js';
import { resolveWords } from './resolve-words.js';
import { countRules, restore, STDIN } from './restore.js';
import { saveAll } from './save-all.js';
import { isDaemonCommand, runDaemonCommand } from './sync-daemon.js';
import { sysctl } from './sysctl.js';

export interface AdmCall {
  /** Without the program's name. */
  argv: readonly string[];
  /** What `-R` reads. */
  stdin?: string;
  /** By default the host's own names. */
  resolve?: NameResolver;
  /** Ends the waiting of `--drain`; the servers stay drained then. */
  signal?: AbortSignal;
}

let ownNames: NameResolver | undefined;

function hostNames(): NameResolver {
  ownNames ??= systemNames();
  return ownNames;
}

/** Yields pieces of about 64 KiB, `exit` last. It does not throw for what a user wrote. */
export async function* executeAdm(session: RulesSession, call: AdmCall): AsyncGenerator<AdmPiece> {
  try {
    yield* inPieces(run(session, call));
    yield { exit: 0 };
  } catch (error) {
    const { text, exitStatus } = face(error, call);
    yield { err: `${text}\n` };
    yield { exit: exitStatus };
  }
}

const LISTINGS: readonly CommandName[] = ['list', 'save', 'help', 'version'];

/** Whether the call changes nothing, so that whoever may only read may make it. */
export function isListing(argv: readonly string[]): boolean {
  try {
    const { words, extensions } = takeExtensions(argv);
    if (extensions.sysctl !== undefined) return words.length === 0 && !extensions.sysctl.includes('=');
    if (words[0] === 'mark') return words[1] === 'list';
    if (words.length === 0) return true;
    const first = scanOptions(words, []).next();
    // Whatever is wrong behind the command changes nothing either.
    return !first.done && 'command' in first.value.spec && LISTINGS.includes(first.value.spec.command);
  } catch {
    // Words that cannot be read are not known to change nothing.
    return false;
  }
}

async function* run(session: RulesSession, call: AdmCall): AsyncGenerator<string> {
  const resolver = call.resolve ?? hostNames();
  const { words: written, extensions } = takeExtensions(call.argv);
  if (extensions.sysctl !== undefined) {
    if (written[0] !== undefined) throw refuseExtension('sysctl', 'write it alone');
    refuseOthers(extensions, extensions.sysctl.includes('=') ? [] : ['json']);
    yield sysctl(session, extensions.sysctl, native, extensions.json);
    return;
  }
  const rule = readRule(await resolveWords(written, resolver));
  switch (rule.command) {
    case 'help':
      yield HELP;
      return;
    case 'version':
      yield VERSION;
      return;
    case 'restore': {
      refuseOthers(extensions, ['replace']);
      const showing = (each: ShowCommand) => listing(session, each, NO_EXTENSIONS, resolver);
      const { replace: isReplacing } = extensions;
      yield* restore(session, call.stdin ?? '', { support: native, resolver, show: showing, isReplacing });
      return;
    }
    case 'list':
    case 'save':
    case 'listMarks':
      refuseOthers(extensions, rule.command === 'save' ? ['json', 'all'] : ['json']);
      yield* listing(session, rule, extensions, resolver);
      return;
    default:
      refuseOthers(extensions, isDeletion(rule) ? ['drain'] : []);
      if (isDaemonCommand(rule)) return runDaemonCommand(session.target, rule);
      if (extensions.drain !== undefined && isDeletion(rule))
        yield* drainFirst(session, rule, extensions.drain, call.signal);
      session.apply([ruleLine(rule, { file: 'argv', line: 1 }, call.argv.join(' '))]);
  }
}

function readRule(words: readonly string[]): Rule {
  if (words[0] === 'mark' || words[0] === 'sysctl') return parseRule(words, native);
  return checkSupported(parseCommand(words), native);
}

async function* listing(
  session: RulesSession,
  command: ShowCommand,
  { json: isJson, all }: Extensions,
  resolver: NameResolver,
): AsyncGenerator<string> {
  const source = session.source();
  if (command.command === 'save' && (isJson || all)) {
    const lines = all ? saveAll(source, session.target) : await saved(source);
    yield isJson ? json({ rules: lines }) : lines.map((line) => `${line}\n`).join('');
  } else if (command.command !== 'save' && isJson) {
    yield* showJson(source, command);
  } else {
    const isNumeric = command.command === 'listMarks' || command.numeric;
    yield* show(source, command, isNumeric ? undefined : namesForListing(resolver));
  }
}

async function saved(source: ShowSource): Promise<string[]> {
  let text = '';
  for await (const piece of show(source, { command: 'save', numeric: true })) text += piece;
  return text.split('\n').slice(0, -1);
}

const MENDS: Readonly<Record<'json' | 'all' | 'drain' | 'replace', string>> = {
  json: 'write it with a listing',
  all: 'write it with -S',
  drain: 'write it with -d or -D',
  replace: 'write it with -R',
};

function refuseOthers(given: Extensions, allowed: readonly (keyof typeof MENDS)[]): void {
  for (const option of ['json', 'all', 'drain', 'replace'] as const) {
    const isGiven = option === 'drain' ? given.drain !== undefined : given[option];
    if (isGiven && !allowed.includes(option)) throw refuseExtension(option, MENDS[option]);
  }
}

/** What ipvsadm would print on stderr, and its exit status. Errors that no user can cause are thrown on. */
function face(error: unknown, { stdin = '', signal }: AdmCall): { text: string; exitStatus: number } {
  if (error instanceof RulesError) {
    const { ipvsadm, place } = error;
    // ipvsadm names no line; it is worth one where there are several.
    const line = place && place.file === STDIN && countRules(stdin) > 1 ? `line ${place.line}: ` : '';
    return { text: `${line}${ipvsadm.text}`, exitStatus: ipvsadm.exitStatus };
  }
  if (error instanceof TunvsError) return { text: error.message, exitStatus: 255 };
  if (signal?.aborted)
    return { text: 'the waiting was ended: the servers stay drained, and are not deleted', exitStatus: 255 };
  throw error;
}
