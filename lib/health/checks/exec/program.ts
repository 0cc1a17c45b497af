/** One run of a program, with everything that it starts in its process group. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { native } from '../../../native/addon.js';
import { CheckFailure } from '../check.js';
import { socketFailure } from '../socket-failure.js';
import type { Guardian } from './guardian.js';
import { unlessAborted } from '../unless-aborted.js';
import { endStrays } from './strays.js';

export interface Program {
  /** An absolute path. */
  path: string;
  arguments: readonly string[];
  environment: Readonly<Record<string, string>>;
  uid?: number;
  gid?: number;
  /** The milliseconds from SIGTERM to SIGKILL. */
  graceMs: number;
}

export interface ProgramEnd {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** The last of what it has written. */
  output: string;
}

export interface Run {
  /** Rejects with a CheckFailure, or with the reason of the signal as soon as that is aborted. */
  readonly ended: Promise<ProgramEnd>;
  /** Resolves when its process is no more. */
  readonly gone: Promise<void>;
}

const KEPT_BYTES = 4096;
const MAX_OUTPUT = 1 << 20;
/** How long the pipes of a program that has ended may stay open; a process that left its group may hold them. */
const PIPES_MS = 200;

type Child = ChildProcessByStdio<null, Readable, Readable>;

/** Starts the program, and ends its process group when the signal is aborted, or when the program ends. */
export function startProgram(program: Program, signal: AbortSignal, guardian: Guardian): Run {
  let child: Child;
  let mark: { TUNVS_RUN: string };
  try {
    mark = guardian.starting();
    child = spawned(program, mark);
  } catch (error) {
    return failedRun(whyNotStarted(program.path, error as NodeJS.ErrnoException));
  }
  const { pid } = child;
  if (pid === undefined) {
    const ended = new Promise<ProgramEnd>((_, reject) => {
      child.once('error', (error) => reject(whyNotStarted(program.path, error)));
    });
    return { ended, gone: settledOf(ended) };
  }
  guardian.add(pid);
  const output = new Tail(child, () => endGroup(pid, 'SIGKILL'));
  let killing: NodeJS.Timeout | undefined;
  const end = () => {
    endGroup(pid, 'SIGTERM');
    killing = setTimeout(() => endGroup(pid, 'SIGKILL'), program.graceMs);
  };
  const exited = new Promise<Omit<ProgramEnd, 'output'>>((resolve) => {
    child.once('exit', (code, by) => {
      clearTimeout(killing);
      signal.removeEventListener('abort', end);
      // What it has left in its group ends with it.
      endGroup(pid, 'SIGKILL');
      guardian.remove(pid);
      resolve({ code, signal: by });
    });
  });
  if (signal.aborted) end();
  else signal.addEventListener('abort', end, { once: true });
  const ended = exited.then(async (how) => {
    await output.closed();
    if (output.isTooMuch) throw new CheckFailure('failed', `${program.path} wrote more than ${MAX_OUTPUT} bytes`);
    return { ...how, output: output.text() };
  });
  // A program that has ended in time may leave a process; one that hangs would leave another with each check.
  const gone = exited.then(() => (signal.aborted ? endStrays(mark) : undefined));
  return { ended: unlessAborted(ended, signal), gone };
}

function spawned({ path, arguments: words, environment, uid, gid }: Program, mark: object): Child {
  const options = {
    cwd: '/',
    env: { ...environment, ...mark },
    // A session and a process group of its own.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe'],
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid }),
  };
  // What a director without root has of capabilities is for the director alone.
  return native.withoutAmbientCapabilities(() => spawn(path, words, options));
}

function failedRun(failure: CheckFailure): Run {
  return { ended: Promise.reject(failure), gone: Promise.resolve() };
}

const settledOf = (promise: Promise<unknown>) =>
  promise.then(
    () => {},
    () => {},
  );

/** A group without processes is none to end. */
function endGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // All have ended, or have become another user's.
  }
}

/** A program that does not run says nothing of the server. */
function whyNotStarted(path: string, error: NodeJS.ErrnoException): CheckFailure {
  const isThere = statSync(path, { throwIfNoEntry: false }) !== undefined;
  const why = {
    ENOENT: isThere ? `the interpreter that ${path} names is missing` : `${path} is missing`,
    EACCES: `${path} may not be executed`,
    EPERM: `${path} can't be run as another user: that needs root`,
  }[error.code ?? ''];
  if (why !== undefined) return new CheckFailure('failed', why, { cause: error, isOwnFault: true });
  const { message, mend } = socketFailure(error);
  const more = { cause: error, isOwnFault: true, ...(mend !== undefined && { mend }) };
  return new CheckFailure('failed', `${path} can't be started: ${message}`, more);
}

/** The last of what a process writes. */
class Tail {
  readonly #streams: readonly Readable[];
  readonly #closed: Promise<unknown>;
  #kept = Buffer.alloc(0);
  #bytes = 0;

  constructor(child: Child, tooMuch: () => void) {
    this.#streams = [child.stdout, child.stderr];
    this.#closed = new Promise((resolve) => child.once('close', resolve));
    for (const stream of this.#streams) {
      stream.on('error', () => {});
      stream.on('data', (chunk: Buffer) => {
        this.#bytes += chunk.length;
        this.#kept = Buffer.concat([this.#kept, chunk]).subarray(-KEPT_BYTES);
        if (this.isTooMuch) {
          tooMuch();
          stream.destroy();
        }
      });
    }
  }

  get isTooMuch(): boolean {
    return this.#bytes > MAX_OUTPUT;
  }

  async closed(): Promise<void> {
    await Promise.race([this.#closed, delay(PIPES_MS, undefined, { ref: false })]);
    for (const stream of this.#streams) stream.destroy();
  }

  text(): string {
    return this.#kept.toString();
  }
}
