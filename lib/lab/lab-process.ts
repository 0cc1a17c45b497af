/** A program that runs in a lab: its output by lines, and an end that always comes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface ProcessExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** How much of a program's output is kept, in bytes or lines. */
const MAX_KEPT = 20_000;

/** A program of the lab's did not do what was expected. The message leads with its own sentence, if it said one. */
export class LabProcessError extends Error {
  /** With a code the error is printed as its message, without a stack. */
  readonly code = 'LAB_PROCESS';
}

export class LabProcess {
  readonly pid: number;
  readonly exited: Promise<ProcessExit>;
  /** Lines of stdout so far, the last 20,000. */
  readonly lines: string[] = [];
  exit: ProcessExit | undefined;
  readonly #child: ChildProcess;
  readonly #argv: readonly string[];
  readonly #listeners = new Set<(line: string) => void>();
  #stderr = '';

  constructor(argv: readonly string[], environment: NodeJS.ProcessEnv = {}) {
    const [file = '', ...rest] = argv;
    this.#argv = argv;
    // It is detached because Ctrl-C is for whoever runs the lab, who then ends this program.
    this.#child = spawn(file, rest, { stdio: 'pipe', detached: true, env: { ...process.env, ...environment } });
    this.pid = this.#child.pid ?? -1;
    this.#child.stdin?.on('error', () => {});
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-MAX_KEPT);
    });
    createInterface({ input: this.#child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      this.lines.push(line);
      if (this.lines.length > MAX_KEPT) this.lines.shift();
      for (const listener of this.#listeners) listener(line);
    });
    this.exited = once(this.#child, 'close').then(
      ([code, signal]) => {
        this.exit = { code, signal };
        return this.exit;
      },
      (error: Error) => {
        this.#stderr += error.message;
        this.exit = { code: 127, signal: null };
        return this.exit;
      },
    );
  }

  get stderr(): string {
    return this.#stderr;
  }

  onLine(listener: (line: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  write(text: string): void {
    this.#child.stdin?.write(text);
  }

  writeLine(line: string): void {
    this.write(`${line}\n`);
  }

  /** Returns the first line, of those already printed or still to come, that `isWanted`. */
  async line(isWanted: (line: string) => boolean, timeoutMs = 30_000): Promise<string> {
    const printed = this.lines.find(isWanted);
    if (printed !== undefined) return printed;
    let off = () => {};
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<string>((resolve, reject) => {
        const fail = (why: string) => reject(new LabProcessError(this.#report(why)));
        off = this.onLine((line) => isWanted(line) && resolve(line));
        timer = setTimeout(() => fail(`did not print the expected line within ${timeoutMs} ms`), timeoutMs);
        void this.exited.then(({ code, signal }) => fail(`ended early (code ${code}, signal ${signal})`));
      });
    } finally {
      off();
      clearTimeout(timer);
    }
  }

  #report(what: string): string {
    const own = this.#stderr.split('\n').findLast((line) => line.startsWith('tunvs: '));
    const report = `"${this.#argv.join(' ')}" ${what}\n${this.lines.slice(-20).join('\n')}\n${this.#stderr}`;
    return own === undefined ? report : `${own}\n${report}`;
  }

  kill(signal: NodeJS.Signals): void {
    if (this.exit === undefined) this.#child.kill(signal);
  }

  /** Ends it with `signal`, and with SIGKILL when it takes longer than `timeoutMs`. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', timeoutMs = 5_000): Promise<ProcessExit> {
    this.kill(signal);
    const timer = setTimeout(() => this.kill('SIGKILL'), timeoutMs);
    try {
      return await this.exited;
    } finally {
      clearTimeout(timer);
    }
  }
}
