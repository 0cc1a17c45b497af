/** Calls into a program in another namespace with a JSON object a line: requests in, answers out. */
import { createInterface } from 'node:readline';
import type { LabProcess } from './lab-process.js';

interface Answer {
  id: number;
  result?: unknown;
  error?: string;
}

/** What a program offers: each entry is called with the request's argument. */
export type AgentOperations = Record<string, (argument: never) => unknown>;

/** Serves stdin until it ends, then ends the process, so that a program goes with its lab. */
export function serveAgent(operations: AgentOperations): void {
  const print = (answer: object) => process.stdout.write(`${JSON.stringify(answer, plainNumbers)}\n`);
  const answer = async (line: string) => {
    const { id, operation, argument } = JSON.parse(line) as { id: number; operation: string; argument: unknown };
    try {
      const run = operations[operation];
      if (run === undefined) throw new Error(`there is no operation "${operation}"`);
      print({ id, result: (await run(argument as never)) ?? null });
    } catch (error) {
      print({ id, error: (error as Error).stack ?? String(error) });
    }
  };
  createInterface({ input: process.stdin })
    .on('line', (line) => void answer(line))
    .on('close', () => process.exit(0));
  print({ ready: true });
}

/** JSON has no bigint; the counters of a lab fit a number. */
function plainNumbers(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value;
}

/** The calling side. */
export class Agent {
  readonly process: LabProcess;
  readonly #waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  #lastId = 0;

  private constructor(process: LabProcess) {
    this.process = process;
    process.onLine((line) => this.#onLine(line));
    void process.exited.then(({ code, signal }) => {
      this.#rejectAll(new Error(`the program ended (code ${code}, signal ${signal})\n${process.stderr}`));
    });
  }

  static async connect(process: LabProcess): Promise<Agent> {
    await process.line((line) => line === '{"ready":true}');
    return new Agent(process);
  }

  /** REQUIRES: the program answers within `timeoutMs`. */
  async call<T>(operation: string, argument: unknown = null, timeoutMs = 60_000): Promise<T> {
    if (this.process.exit !== undefined) throw new Error(`the program has ended\n${this.process.stderr}`);
    this.#lastId += 1;
    const id = this.#lastId;
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<T>((resolve, reject) => {
        this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
        timer = setTimeout(() => reject(new Error(`no answer to "${operation}" within ${timeoutMs} ms`)), timeoutMs);
        this.process.writeLine(JSON.stringify({ id, operation, argument }));
      });
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }

  #onLine(line: string): void {
    if (!line.startsWith('{"id":')) return;
    const { id, result, error } = JSON.parse(line) as Answer;
    const waiting = this.#waiting.get(id);
    if (error === undefined) waiting?.resolve(result);
    else waiting?.reject(new Error(error));
  }

  #rejectAll(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
  }
}
