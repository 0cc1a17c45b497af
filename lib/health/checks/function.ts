/** The check by a function of the embedder's. */
import type { Socket } from 'node:net';
import { functionOption } from '../../values/options.js';
import {
  type Check,
  type CheckContext,
  type CheckedServer,
  CheckFailure,
  type Datagrams,
  type Finding,
  failureReasons,
  passed,
  type Way,
} from './check.js';
import { closeNow, timedOut } from './conversation.js';

/** What a function that checks is called with. */
export interface CheckCall {
  /** The real server that is checked. */
  readonly server: CheckedServer;
  /** Is aborted when the time is over. */
  readonly signal: AbortSignal;
  /**
   * Connects to the server by TCP, as its clients do unless the check goes by its own address. The check closes the
   * socket when the function is done.
   */
  connect(options?: { port?: number }): Promise<Socket>;
  /** How the server is reached, for what connect() does not give. What it opens is closed as well. */
  readonly way: Way;
}

/**
 * Asks a server. It returns nothing or true when the server has passed, false when it has not, or what it has found.
 * An error that it throws is a failure: a CheckFailure with its reason, any other with its message.
 */
export type CheckFunction = (call: CheckCall) => Promise<CheckAnswer> | CheckAnswer;

/** What a function that checks may return. */
// biome-ignore lint/suspicious/noConfusingVoidType: a function that returns nothing has no type of result but this one.
export type CheckAnswer = Partial<Finding> | boolean | void;

/**
 * Makes a check of a function.
 *
 * @example
 * ```ts
 * import { once } from 'node:events';
 * import { functionCheck } from 'tunvs/health';
 *
 * const check = functionCheck(async ({ connect, signal }) => {
 *   const socket = await connect({ port: 6379 });
 *   socket.write('PING\r\n');
 *   const [answer] = await once(socket, 'data', { signal });
 *   return String(answer).startsWith('+PONG');
 * });
 * console.log(check.kind); // function
 * ```
 */
export function functionCheck(check: CheckFunction): Check {
  functionOption('functionCheck: check', check);
  return { kind: 'function', needsWay: true, run: (context) => run(check, context) };
}

async function run(check: CheckFunction, { server, way, signal }: CheckContext): Promise<Finding> {
  const held = new HeldWay(way);
  const connect: CheckCall['connect'] = (options) => held.connect(signal, options);
  try {
    return findingOf(await before(signal, async () => check({ server, signal, connect, way: held })));
  } catch (error) {
    if (error instanceof CheckFailure) throw error;
    if (signal.aborted) throw timedOut(SILENCE, error);
    throw new CheckFailure('failed', saidBy(error), { cause: error });
  } finally {
    held.close();
  }
}

/** A way that closes what was opened by it: a function that has lost its race must not leave a socket behind. */
class HeldWay implements Way {
  readonly name: Way['name'];
  readonly address: string;
  readonly port: number;
  readonly #way: Way;
  readonly #sockets = new Set<Socket>();
  readonly #datagrams = new Set<Datagrams>();
  #isOver = false;

  constructor(way: Way) {
    this.#way = way;
    this.name = way.name;
    this.address = way.address;
    this.port = way.port;
  }

  connect: Way['connect'] = async (signal, options) => {
    const socket = await this.#way.connect(signal, options);
    if (this.#isOver) closeNow(socket);
    else this.#sockets.add(socket.on('close', () => this.#sockets.delete(socket)));
    return socket;
  };

  datagrams: Way['datagrams'] = async (signal, options) => {
    const datagrams = await this.#way.datagrams(signal, options);
    if (this.#isOver) datagrams[Symbol.dispose]();
    else this.#datagrams.add(datagrams);
    return datagrams;
  };

  close(): void {
    this.#isOver = true;
    for (const socket of this.#sockets) closeNow(socket);
    for (const datagrams of this.#datagrams) datagrams[Symbol.dispose]();
  }
}

const SILENCE = 'the function has not ended';

/** The function may pass over the signal: what it does later is no matter. */
async function before<T>(signal: AbortSignal, call: () => Promise<T>): Promise<T> {
  if (signal.aborted) throw timedOut(SILENCE, signal.reason);
  let onAbort = () => {};
  const timeUp = new Promise<never>((_, reject) => {
    onAbort = () => reject(timedOut(SILENCE, signal.reason));
    signal.addEventListener('abort', onAbort);
  });
  try {
    return await Promise.race([call(), timeUp]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function findingOf(answer: CheckAnswer): Finding {
  if (answer === undefined || answer === true) return passed(SAYS_SO);
  if (answer === false) throw new CheckFailure('wrong answer', SAYS_SO);
  if (typeof answer !== 'object' || answer === null)
    throw new CheckFailure('failed', `the function returned ${answer === null ? 'null' : `a ${typeof answer}`}`);
  const { reason, message = SAYS_SO, passed: hasPassed = reason === undefined } = answer;
  if (typeof message !== 'string' || typeof hasPassed !== 'boolean' || !isReason(reason) || !isAdvice(answer.advice))
    throw new CheckFailure('failed', 'the function returned an object that is no finding');
  return { ...answer, passed: hasPassed, message, ...(!hasPassed && { reason: reason ?? 'wrong answer' }) };
}

const SAYS_SO = 'the function says so';

const isReason = (reason: unknown) => reason === undefined || (failureReasons as readonly unknown[]).includes(reason);

/** One number, of the name that says what it does. */
function isAdvice(advice: unknown): boolean {
  if (advice === undefined) return true;
  if (typeof advice !== 'object' || advice === null) return false;
  const [[name, value] = ['', undefined], ...more] = Object.entries(advice);
  if (more.length > 0 || typeof value !== 'number' || !Number.isFinite(value)) return false;
  return name === 'add' || ((name === 'weight' || name === 'factor') && value >= 0);
}

function saidBy(error: unknown): string {
  try {
    return error instanceof Error
      ? `the function threw ${error.name}: ${error.message}`
      : `the function threw ${error}`;
  } catch {
    // What cannot become a text has nothing to say; it is the cause of the failure all the same.
    return 'the function threw something that cannot be read';
  }
}
