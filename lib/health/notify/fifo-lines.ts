/** Lines for a named pipe: they wait while it is full, and the oldest are lost when too many wait. */
import type { Clock } from '../clock.js';
import type { NotifyFailedEvent } from '../events.js';
import type { WriteLines } from './fifo.js';

const WAITING = 1000;
const AGAIN_MS = 1000;

export class FifoLines {
  readonly #path: string;
  readonly #pipe: WriteLines;
  readonly #clock: Clock;
  readonly #failed: (event: NotifyFailedEvent) => void;
  #waiting: string[] = [];
  #stop: (() => void) | undefined;

  constructor(path: string, pipe: WriteLines, clock: Clock, failed: (event: NotifyFailedEvent) => void) {
    this.#path = path;
    this.#pipe = pipe;
    this.#clock = clock;
    this.#failed = failed;
  }

  write(words: readonly string[]): void {
    this.#waiting.push(`${words.join(' ')}\n`);
    this.#flush();
    if (this.#waiting.length <= WAITING) return;
    this.#waiting.shift();
    this.#tell('nobody reads the pipe', 1);
  }

  close(): void {
    this.#stop?.();
    if (this.#waiting.length > 0) this.#tell('nobody reads the pipe', this.#waiting.length);
    this.#waiting = [];
    this.#pipe.close();
  }

  #flush(): void {
    this.#stop?.();
    this.#stop = undefined;
    try {
      while (this.#waiting[0] !== undefined && this.#pipe.write(this.#waiting[0])) this.#waiting.shift();
    } catch (error) {
      this.#tell(error instanceof Error ? error.message : String(error), this.#waiting.length);
      this.#waiting = [];
    }
    if (this.#waiting.length > 0) this.#stop = this.#clock.after(AGAIN_MS, () => this.#flush());
  }

  #tell(message: string, lost: number): void {
    this.#failed({ by: 'fifo', target: this.#path, message, lost });
  }
}
