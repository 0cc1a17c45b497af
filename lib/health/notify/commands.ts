/** Programs that run for news: in order for each subject, so many at once, and no more than so many waiting. */
import { Limiter } from '../../values/limiter.js';
import type { NotifyFailedEvent } from '../events.js';
import type { NotifyCommand } from './options.js';
import type { RunCommand } from './run-command.js';

const AT_ONCE = 16;
const WAITING = 4096;
/** The milliseconds after close() in which programs still begin: those that hang hold up no shutdown for longer. */
const CLOSING_MS = 10_000;
const TOO_LATE = 'the director stops, and the programs before it did not end';

export class Commands {
  readonly #run: RunCommand;
  readonly #failed: (event: NotifyFailedEvent) => void;
  readonly #limiter = new Limiter(AT_ONCE);
  readonly #last = new Map<string, Promise<void>>();
  readonly #nowMs: () => number;
  #waiting = 0;
  #lastBeginMs = Number.POSITIVE_INFINITY;

  constructor(run: RunCommand, nowMs: () => number, failed: (event: NotifyFailedEvent) => void) {
    this.#run = run;
    this.#nowMs = nowMs;
    this.#failed = failed;
  }

  /** Runs the command when those for the same subject have ended. */
  run(subject: string, command: NotifyCommand, variables: Record<string, string>): void {
    const [target] = command.command;
    if (this.#waiting >= WAITING) {
      this.#failed({ by: 'command', target, message: `${WAITING} programs wait already`, lost: 1 });
      return;
    }
    this.#waiting += 1;
    const last = this.#last.get(subject) ?? Promise.resolve();
    const turn = last.then(async () => {
      const message = await this.#limiter.run(() => this.#begin(command, variables)).catch(String);
      this.#waiting -= 1;
      if (this.#last.get(subject) === turn) this.#last.delete(subject);
      if (message !== undefined) this.#failed({ by: 'command', target, message, lost: message === TOO_LATE ? 1 : 0 });
    });
    this.#last.set(subject, turn);
  }

  /** Resolves when all have ended, or have become too late to begin. */
  async close(): Promise<void> {
    this.#lastBeginMs = this.#nowMs() + CLOSING_MS;
    while (this.#last.size > 0) await Promise.all(this.#last.values());
  }

  async #begin(command: NotifyCommand, variables: Record<string, string>): Promise<string | undefined> {
    return this.#nowMs() > this.#lastBeginMs ? TOO_LATE : this.#run(command, variables);
  }
}
