/** The check by a program: its exit code says how the server is. */
import { isAbsolute, resolve as resolvePath } from 'node:path';
import { idsOf, readAccounts } from '../../values/accounts.js';
import { Limiter } from '../../values/limiter.js';
import { printable } from '../../values/printable.js';
import { type Check, type CheckContext, CheckFailure, type CheckedServer, type Finding, passed } from './check.js';
import { Guardian } from './exec/guardian.js';
import { type ProgramEnd, startProgram } from './exec/program.js';
import { whoMayChange } from './exec/safety.js';
import { defineKind } from './kind.js';
import { unlessAborted } from './unless-aborted.js';

/**
 * The options of a check by a program.
 *
 * @example
 * ```ts
 * import type { ExecCheckOptions } from 'tunvs/health';
 *
 * const options: ExecCheckOptions = { path: '/usr/local/bin/check-web', arguments: ['--quick'] };
 * console.log(options.path); // /usr/local/bin/check-web
 * ```
 */
export interface ExecCheckOptions {
  /** The program. No shell reads it, unless it is a script without a first line that names its interpreter. */
  path: string;
  /** Its arguments. */
  arguments?: string[];
  /** Variables of its environment, besides PATH and what tells it of the server. */
  environment?: Record<string, string>;
  /** Whether exit codes from 2 to 255 pass, and set the weight to the code less 2. */
  dynamic?: boolean;
  /** Who runs it: USER or USER:GROUP. Only root can say another. */
  user?: string;
  /** Whether a program that others may change is refused, in place of a warning. */
  refuseUnsafe?: boolean;
  /** The milliseconds from SIGTERM to SIGKILL once the time is over. */
  graceMs?: number;
}

/** How many programs run at once; the others wait for their turn. */
export const PROGRAMS_AT_ONCE = 32;
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const MAX_MESSAGE = 200;

const limiter = new Limiter(PROGRAMS_AT_ONCE);
const guardian = new Guardian();

type Options = ExecCheckOptions & Required<Pick<ExecCheckOptions, 'dynamic' | 'refuseUnsafe' | 'graceMs'>>;

export const exec = defineKind<ExecCheckOptions, 'dynamic' | 'refuseUnsafe' | 'graceMs'>({
  name: 'exec',
  description: 'Passes when a program ends with the exit code 0, or a code that is a weight.',
  needsWay: false,
  options: {
    path: {
      type: 'file',
      mustBe: 'executable',
      isRequired: true,
      description: 'Names the program, which no shell reads.',
    },
    arguments: {
      type: 'list',
      of: { type: 'string', what: 'a text without a zero byte', pattern: /^[^\0]*$/ },
      max: 256,
      description: 'Lists the arguments of the program.',
    },
    environment: {
      type: 'map',
      keys: /^[A-Za-z_]\w*$/,
      of: { type: 'string', what: 'a text without a zero byte', pattern: /^[^\0]*$/ },
      max: 64,
      isSecret: true,
      description: 'Sets variables of its environment, besides PATH and the TUNVS_ ones that tell it of the server.',
    },
    dynamic: {
      type: 'boolean',
      default: false,
      description: 'Says whether exit codes from 2 to 255 pass and set the weight to the code less 2.',
    },
    user: {
      type: 'string',
      what: 'USER or USER:GROUP, by name or number',
      pattern: /^[^:\s]+(:[^:\s]+)?$/,
      description: 'Sets the user, and the group, that run the program; only root can set another.',
      defaultSaid: 'the user that runs the director',
    },
    refuseUnsafe: {
      type: 'boolean',
      default: false,
      description: 'Says whether a program that others may change is refused, where there is a warning otherwise.',
    },
    graceMs: {
      type: 'duration',
      minMs: 0,
      default: 2000,
      description: 'Sets the time from SIGTERM to SIGKILL for the whole process group once its time is over.',
    },
  },
  prepare: (options) => (context) => queued(options, context),
});

/**
 * Waits for its turn. One whose time is over meanwhile is not started. One that had most of its time to wait has learned
 * nothing of its server.
 */
function queued(options: Options, context: CheckContext): Promise<Finding> {
  const { signal } = context;
  const askedMs = performance.now();
  let startedMs = Number.POSITIVE_INFINITY;
  const finding = new Promise<Finding>((resolve, reject) => {
    const turn = limiter.run(async () => {
      signal.throwIfAborted();
      startedMs = performance.now();
      const run = await started(options, context);
      run.finding.then(resolve, reject);
      await run.gone;
    });
    turn.catch(reject);
  });
  return unlessAborted(finding, signal).catch((error: unknown) => {
    const isLate = error instanceof CheckFailure && error.reason === 'timeout' && signal.aborted;
    const ranMs = Math.max(0, performance.now() - startedMs);
    throw isLate && startedMs - askedMs > ranMs ? noTurn(error) : error;
  });
}

function noTurn(cause: unknown): CheckFailure {
  return new CheckFailure('failed', `${PROGRAMS_AT_ONCE} programs ran already, and none ended in time`, {
    mend: 'Let programs end sooner, or let fewer servers be checked by them.',
    isOwnFault: true,
    cause,
  });
}

async function started(options: Options, { server, signal }: CheckContext) {
  const path = isAbsolute(options.path) ? options.path : resolvePath(options.path);
  const ids = options.user === undefined ? {} : userOf(options.user);
  const warning = await warningAbout(path, ids.uid, options.refuseUnsafe);
  const environment = { PATH, ...serverVariables(server), ...options.environment };
  const { graceMs, arguments: words = [] } = options;
  const run = startProgram({ path, arguments: words, environment, ...ids, graceMs }, signal, guardian);
  const finding = run.ended.then((end) => ({ ...judged(end, options.dynamic), ...(warning && { warning }) }));
  return { finding, gone: run.gone };
}

function userOf(user: string): { uid?: number; gid?: number } {
  const ids = idsOf(user, readAccounts());
  if ('mistake' in ids) throw new CheckFailure('failed', `user ${user}: ${ids.mistake}`, { isOwnFault: true });
  // A process that is this user already can't and need not become it.
  if (ids.uid === process.geteuid?.() && ids.gid === process.getegid?.()) return {};
  return { uid: ids.uid, gid: ids.gid };
}

async function warningAbout(path: string, uid: number | undefined, isRefused: boolean): Promise<string | undefined> {
  let who: string | undefined;
  try {
    who = await whoMayChange(path, uid ?? process.geteuid?.() ?? 0);
  } catch {
    // It is missing or out of sight, which its start will say.
    return undefined;
  }
  if (who === undefined) return undefined;
  const sentence = `others may change the program ${path}: ${who}`;
  const mend = 'Let only root, or who runs it, write there.';
  if (isRefused) throw new CheckFailure('failed', sentence, { mend, isOwnFault: true });
  return sentence;
}

const serverVariables = ({ address, port, service }: CheckedServer) => ({
  TUNVS_SERVER_ADDRESS: address,
  TUNVS_SERVER_PORT: String(port),
  TUNVS_SERVICE_PROTOCOL: service.protocol,
  TUNVS_SERVICE_ADDRESS: service.address,
  TUNVS_SERVICE_PORT: String(service.port),
});

function judged({ code, signal, output }: ProgramEnd, isDynamic: boolean): Finding {
  const line = lastLine(output);
  const said = (what: string) => (line === '' ? what : `${what}: ${line}`);
  if (code === null) throw new CheckFailure('failed', said(`ended by ${signal}`));
  if (code === 0) return passed(said('exit code 0'));
  if (!isDynamic || code === 1) throw new CheckFailure('wrong answer', said(`exit code ${code}`));
  const weight = code - 2;
  return passed(said(`exit code ${code}, weight ${weight}`), { advice: { weight } });
}

function lastLine(output: string): string {
  const lines = output.split(/[\r\n]+/).map((line) => line.trim());
  return printable((lines.findLast((line) => line !== '') ?? '').slice(0, MAX_MESSAGE));
}

/**
 * Makes a check that runs a program. Exit code 0 passes and 1 fails; others fail too unless they are weights, with
 * `dynamic`. When the time is over, or this process ends, its whole process group ends.
 *
 * @example
 * ```ts
 * import { execCheck } from 'tunvs/health';
 *
 * const check = execCheck({ path: '/usr/local/bin/check-web', arguments: ['--quick'] });
 * console.log(check.kind); // exec
 * ```
 */
export const execCheck = (options: ExecCheckOptions): Check => exec.make(options);
